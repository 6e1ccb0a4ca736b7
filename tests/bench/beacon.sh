#!/usr/bin/env bash
# How many probes a second one bulkhead-beacon answers on one core, beside what the cryptography of a
# probe alone allows on that core, interleaved in one run; medians.
#
#	MS=2000 ROUNDS=5 tests/bench/beacon.sh
#
# answered/s: by the clock, while others may use the core, too. /core: by the processor time that the
# beacon took, sockets and packets included. limit: open probes, sign their round, seal, and nothing else.
set -euo pipefail
OUT=$(realpath "${OUT:-out}")
cd "$(dirname "$0")/../.."
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	exec env IN_NAMESPACE=1 unshare -m -n --pid --fork --kill-child --mount-proc bash "$0"
fi
MS=${MS:-2000} ROUNDS=${ROUNDS:-5}
# shellcheck source=tests/lab/wait.sh
. tests/lab/wait.sh
mount -t tmpfs tmpfs /run
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
ip link set lo up
ip netns add lan
ip link add up0 type veth peer name lan0 netns lan
ip addr add 192.0.2.10/24 dev up0
ip -n lan addr add 192.0.2.1/24 dev lan0
ip link set up0 up
ip -n lan link set lan0 up
beacon=$OUT/bulkhead-beacon load=$OUT/tests/bench/beacon_load
"$beacon" keygen root "$dir/root" >/dev/null
key=$("$beacon" keygen beacon "$dir/key")
"$beacon" certify --root "$dir/root" --key "$key" --site hq --epoch 1 --days 7 "$dir/cert"
last=$(($(nproc) - 1))
ip netns exec lan taskset -c 0 "$beacon" serve --interface lan0 --key "$dir/key" \
	--certificate "$dir/cert" 2>"$dir/log" &
pid=$!
lab_wait 5 grep -q 'site hq' "$dir/log" || { cat "$dir/log"; exit 1; }

on_core_us() { awk '{ print int($1 / 1000) }' "/proc/$pid/schedstat"; }
median() { printf '%s\n' "$@" | sort -n | awk '{ v[NR] = $1 } END { print v[int((NR + 1) / 2)] }'; }
answered=() per_core=() limits=() longest=0
for _ in $(seq "$ROUNDS"); do
	limits+=("$(taskset -c 0 "$load" limit $((MS / 4)))")
	before=$(on_core_us)
	read -r n sent us bytes < <(taskset -c "$last" "$load" fire "$dir/cert" 192.0.2.1 up0 "$MS")
	spent=$(($(on_core_us) - before))
	answered+=($((n * 1000000 / us)))
	per_core+=($((n * 1000000 / spent)))
	[ "$bytes" -le "$longest" ] || longest=$bytes
	[ "$n" -gt 0 ] || { echo "no answers to $sent probes"; exit 1; }
done
limit=$(median "${limits[@]}") core=$(median "${per_core[@]}")
printf '%-24s %10s\n' "limit /core" "$limit" "beacon /core" "$core" \
	"answered/s" "$(median "${answered[@]}")" \
	"share of the limit" "$(awk "BEGIN { printf \"%.2f\", $core / $limit }")" \
	"reply/probe bytes" "$longest/512"
[ "$core" -ge 10000 ] || { echo "one core answers fewer than 10000 probes a second"; exit 1; }
[ "$longest" -le 512 ] || { echo "a reply is larger than its probe"; exit 1; }
