#!/usr/bin/env bash
# What a blocked packet costs, beside the same rules without samples: a flood that nobody answers must pay
# for the limiter and nothing more. Medians, and the ratio to rules that only count and drop.
#
#	ROUNDS=11 MS=200 tests/bench/blocked.sh
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/lab.sh"
. "$here/bench/bench.sh"
lab_enter "$@"

ROUNDS=${ROUNDS:-11} MS=${MS:-200} SINK=203.0.113.10
WHO=(counted sampled)

fail() {
	echo "$1"
	exit 1
}
counter() { lab_in middle nft -j list counter inet bulkhead blocked | jq '[.nftables[].counter.packets? // 0] | add'; }

lab_ns client middle
ip -n client link add eth0 type veth peer name host0 netns middle
ip -n middle link add up0 type veth peer name w0
ip -n client addr add 100.64.0.2/30 dev eth0
ip -n middle addr add 100.64.0.1/30 dev host0
ip -n middle addr add 192.168.7.50/24 dev up0
for link in "client eth0" "middle host0" "middle up0"; do
	ip -n ${link% *} link set ${link#* } up
done
ip -n middle link set w0 up
ip -n client route add default via 100.64.0.1
ip -n middle route add default via 192.168.7.1
lab_in middle sysctl -qw net.ipv4.ip_forward=1

lab_in middle "$LAB_OUT/tests/bench/rules" host0 up0 10 | grep -v '^add element inet bulkhead grant ' >"$LAB/sampled.nft" || fail "no rules"
grep -v ' log prefix ' "$LAB/sampled.nft" >"$LAB/counted.nft"
grep -q ' log prefix ' "$LAB/sampled.nft" || fail "the rules take no samples"
bench_head "a small UDP packet that is blocked, $ROUNDS rounds of $MS ms"
for round in $(seq "$ROUNDS"); do
	for who in "${WHO[@]}"; do
		lab_in middle nft -f "$LAB/$who.nft" 2>"$LAB/nft.log" || fail "$who does not load: $(head -n 3 "$LAB/nft.log")"
		read -r n ns < <(lab_in client chrt -f 1 taskset -c 0 "$LAB_OUT/tests/bench/packets" $SINK 9999 "$MS" blocked) ||
			fail "$who: nothing can be sent"
		[ "$(counter)" -ge "$n" ] || fail "$who: not all of $n packets were blocked"
		bench_note "$who" "$ns"
	done
done
for who in "${WHO[@]}"; do
	printf '%-16s %6s ns/packet  %s of counted\n' "$who" "$(bench_median "$who")" \
		"$(bench_ratio "$(bench_median "$who")" "$(bench_median counted)")"
done
