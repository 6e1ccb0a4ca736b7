#!/usr/bin/env bash
# What a packet costs on its way through the firewall, beside plain forwarding with NAT and beside firewalld: the
# same links, the rules of each loaded in turn; medians, and the median of the ratios to plain in the same round.
# The aim is at most 1.15 of plain, whatever the number of corporate prefixes. Then what one guest gets of a TCP
# flow, where it is 0.95: as fast as this machine's CPUs can, and by uplinks as laptops have them.
#
#	ROUNDS=11 MS=200 TCP_ROUNDS=60 WIRE_ROUNDS=5 tests/bench/datapath.sh
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/lab.sh"
. "$here/lab/peers.sh"
. "$here/bench/bench.sh"
lab_enter "$@"

ROUNDS=${ROUNDS:-11} MS=${MS:-200} TCP_ROUNDS=${TCP_ROUNDS:-60} WIRE_ROUNDS=${WIRE_ROUNDS:-5}
SINK=203.0.113.10
WHO=(plain bulkhead-10 bulkhead-1000 bulkhead-10000)

fail() {
	echo "$1"
	exit 1
}

# A client, whoever forwards, a server.
links() {
	lab_ns client middle server
	ip -n client link add eth0 type veth peer name host0 netns middle
	ip -n middle link add up0 type veth peer name w0 netns server
	ip -n client addr add 100.64.0.2/30 dev eth0
	ip -n middle addr add 100.64.0.1/30 dev host0
	ip -n middle addr add 192.168.7.50/24 dev up0
	ip -n server addr add 192.168.7.1/24 dev w0
	ip -n server addr add $SINK/32 dev lo
	ip -n client link set eth0 up
	ip -n middle link set host0 up
	ip -n middle link set up0 up
	ip -n server link set w0 up
	ip -n client route add default via 100.64.0.1
	ip -n middle route add default via 192.168.7.1
	# the far end costs everybody the same, and little: all but a first word ends where the link does
	lab_in server nft 'table inet sink { chain in { type filter hook ingress device "w0" priority 0; udp dport 9999 udp length 26 drop; }; }'
	lab_start answer nsenter --net=/run/netns/server "$LAB_OUT/tests/bench/packets" answer $SINK 9999
}

# As a desktop would have it: the client's side trusted, the network's side "external", which
# masquerades. What it loads is kept, and it ends.
firewalld() {
	peers_have usr/sbin/firewalld usr/bin/dbus-daemon && peers_up || return 1
	cat >"$LAB/peers/etc/bus.conf" <<-XML
		<busconfig><type>system</type><listen>unix:path=/run/bus</listen><auth>EXTERNAL</auth>
		<policy context="default"><allow user="*"/><allow own="*"/><allow send_destination="*"/>
		<allow receive_sender="*"/></policy></busconfig>
	XML
	lab_start bus peers_exec middle bench /usr/bin/dbus-daemon --nofork --config-file=/etc/bus.conf
	lab_wait 5 test -S "$LAB/peers/run/bus" || return 1
	export DBUS_SYSTEM_BUS_ADDRESS=unix:path=/run/bus
	lab_start firewalld peers_exec middle bench /usr/sbin/firewalld --nofork --nopid
	lab_wait 60 firewall --state || return 1
	firewall --zone=external --add-interface=up0 && firewall --zone=trusted --add-interface=host0 || return 1
	{ echo "flush ruleset" && lab_in middle nft list ruleset; } >"$LAB/firewalld.nft"
	lab_stop firewalld bus
}
firewall() {
	(peers_exec middle bench /usr/bin/firewall-cmd "$@") >>"$LAB/firewall-cmd.log" 2>&1
}

load() { # load WHO - its rules, and of the kernel's switches that one that is not as the others have it
	lab_in middle sysctl -qw net.ipv4.ip_early_demux="$([[ $1 == bulkhead* ]]; echo $?)"
	lab_in middle nft -f "$LAB/$1.nft" 2>"$LAB/nft.log" || fail "$1 does not load: $(head -n 3 "$LAB/nft.log")"
}

arrived() { # packets at the far end's link so far
	ip -n server -j -s link show dev w0 | jq '.[0].stats64.rx.packets'
}

# First in line for its CPU: what else runs here is not what is measured. It gets no answer by chance: from a
# port that it had under another one's rules, whose flow, which we did not let begin, the kernel still knows.
packets() { # n, ns
	read -r n ns < <(lab_in client chrt -f 1 taskset -c 0 "$LAB_OUT/tests/bench/packets" $SINK 9999 "$MS" 2>/dev/null)
}

turn() { # turn ROUND - all, each time another one first
	local i
	for i in "${!WHO[@]}"; do echo "${WHO[(i + $1) % ${#WHO[@]}]}"; done
}

table() { # table UNIT PREFIX
	local who
	for who in "${WHO[@]}"; do
		printf '%-16s %6s %s  %s of plain\n' "$who" "$(bench_median "$2$who")" "$1" \
			"$(bench_paired "$2$who" "${2}plain")"
	done
}

links
echo 'flush ruleset; table inet plain { chain n { type nat hook postrouting priority srcnat; oifname "up0" masquerade; }; }' >"$LAB/plain.nft"
for n in 10 1000 10000; do
	lab_in middle "$LAB_OUT/tests/bench/rules" host0 up0 $n >"$LAB/bulkhead-$n.nft" || fail "rules for $n prefixes"
done
if firewalld; then
	WHO+=(firewalld)
else
	echo "# no firewalld here: $(tail -n 3 "$LAB/firewalld.log" 2>/dev/null)"
fi

bench_head "a small UDP packet of one flow, $ROUNDS rounds of $MS ms"
for round in $(seq "$ROUNDS"); do
	for who in $(turn "$round"); do
		load "$who"
		before=$(arrived)
		packets || packets || packets || fail "$who: nothing can be sent"
		[ $(($(arrived) - before)) -ge "$n" ] || fail "$who: not all of $n packets passed"
		bench_note "$who" "$ns"
	done
done
table ns/packet ""

peers_have usr/bin/iperf3 || lab_skip "no iperf3 in out/peers"
peers_up
# One CPU for the guest, one for the server; whoever forwards works on both. Short runs and many: what a flow
# reaches goes up and down by a half, and a median of ten is worth little.
taskset -cp 1 $$ >/dev/null
lab_start iperf3 peers_exec server bench /usr/bin/iperf3 -s -B $SINK
taskset -cp 0 $$ >/dev/null
lab_wait 5 lab_in server sh -c '[ -n "$(ss -Hltn sport = :5201)" ]' || fail "iperf3 does not start"
tcp() { # tcp NAME ROUNDS IPERF3-OPTION... - each of WHO
	local name=$1 rounds=$2 round who rate
	shift 2
	for round in $(seq "$rounds"); do
		for who in $(turn "$round"); do
			load "$who"
			rate=$( (peers_exec client bench /usr/bin/iperf3 -c $SINK -J "$@") |
				jq '.end.sum_received.bits_per_second / 1e6 | floor')
			[ "${rate:-0}" -gt 0 ] || fail "$who: iperf3 gives no figure"
			bench_note "$name-$who" "$rate"
		done
	done
	table Mbit/s "$name-"
}
WHO=(plain bulkhead-1000)
[ ! -e "$LAB/firewalld.nft" ] || WHO+=(firewalld)
bench_head "TCP of one guest as fast as two CPUs can, $TCP_ROUNDS rounds of 600 MB"
tcp cpu "$TCP_ROUNDS" -n 600M
for rate in 1gbit 2.5gbit 10gbit; do
	bench_head "TCP of one guest, an uplink of $rate, $WIRE_ROUNDS rounds of 1 s"
	ip netns exec middle tc qdisc replace dev up0 root tbf rate $rate burst 2mb latency 20ms || fail "no $rate"
	tcp $rate "$WIRE_ROUNDS" -t 1
done
