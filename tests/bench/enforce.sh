#!/usr/bin/env bash
# From a switch that speaks on the wire to the last packet that personal still gets out, through all
# processes, beside the same done by an `nft` command that already knows what to do; and the change
# alone, in one process, beside libnftables and the command. Medians, p99, ratios.
#
#	EVENTS=20 CHANGES=2000 tests/bench/enforce.sh
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/bench/bench.sh"
lab_enter "$@"

EVENTS=${EVENTS:-20} CHANGES=${CHANGES:-2000}
fail() {
	echo "$1: $(grep -v decide "$LAB/bulkheadd.log" | tail -n 6 2>/dev/null)"
	exit 1
}
row() { # row NAME PEER
	printf '%-22s p50 %8.0f us  p99 %8.0f us  %s of %s\n' "$1" "$(bench_median "$1")" "$(bench_quantile "$1" 99)" \
		"$(bench_ratio "$(bench_median "$1")" "$(bench_median "$2")")" "$2"
}

# The change alone.
lab_ns alone
ip -n alone link add host0 type veth peer name up0
lab_in alone "$LAB_OUT/tests/bench/rules" host0 up0 10 >"$LAB/rules" && lab_in alone nft -f "$LAB/rules" ||
	fail "the rules do not load"
lab_in alone "$LAB_OUT/tests/bench/switch" host0 up0 "$CHANGES" >"$LAB/switch" || fail "the change alone"
while read -r kind us; do
	bench_note "$kind" "$us"
done <"$LAB/switch"
bench_head "one change of the grants, $CHANGES times"
for kind in deny grant renewal text command; do
	row $kind text
done

# The whole laptop. Windows as short as policy lets them be: what counts is how it closes.
lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
PKI_WINDOW=1s pki_policy 50 "$(pki_date +20days)" >"$IT/bench.yaml" &&
	pki_sign policy "$IT/bench.yaml" || fail "the policy"
laptop_start && bulkhead policy install "$IT/bench.yaml" >/dev/null || fail "bulkheadd does not start"

# The peer: a router with one rule in a namespace of its own, and somebody who flushes it.
lab_ns peer
ip link add peer0 type veth peer name p0 netns peer
ip -n peer link add up0 type veth peer name far0 netns home
ip addr add 100.65.0.2/30 dev peer0
ip -n peer addr add 100.65.0.1/30 dev p0
ip -n peer addr add 198.51.100.65/30 dev up0
ip -n home addr add 198.51.100.66/30 dev far0
for link in "-n peer link set p0" "-n peer link set up0" "-n home link set far0" "link set peer0"; do
	ip $link up
done
ip route add 198.51.100.66/32 via 100.65.0.1
ip -n home route add 100.65.0.0/30 via 198.51.100.65
peer_opens() {
	lab_in peer nft 'flush ruleset; table inet p { chain f { type filter hook forward priority 0; policy drop; jump open; }; chain open { accept; }; }'
}
event() { # event NAME ADDRESS NAMESPACE LINK WHAT...
	local name=$1 address=$2 ns=$3 link=$4 us
	shift 4
	us=$("$LAB_OUT/tests/bench/enforce" "$address" 9999 "/run/netns/$ns" "$link" "$@") ||
		fail "$name: $us"
	bench_note "$name" "$us"
}

for round in $(seq "$EVENTS"); do
	lans_plug home
	lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
	lab_wait 10 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page"
	event lldp $LAN_SERVER home cable lldp
	lab_wait 5 laptop_zone_is suspect || fail "LLDP is not heard"
	peer_opens
	event nft 198.51.100.66 home far0 run "$(command -v nsenter)" --net=/run/netns/peer "$(command -v nft)" flush chain inet p open
done
bench_head "LLDP on the wire to the last packet of personal, $EVENTS of each"
row lldp nft
row nft nft
