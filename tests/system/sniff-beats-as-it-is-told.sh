#!/usr/bin/env bash
# sniff beats each second until it is told that nothing is judged, then seldom; told otherwise it beats
# at once. Whoever tells it anything else ends it.
# limit: 60 s
set -euo pipefail
OUT=$(realpath "${OUT:-out}")
cd "$(dirname "$0")/../.."
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	exec env IN_NAMESPACE=1 unshare -m -n --pid --fork --kill-child --mount-proc bash "$0"
fi

play=$OUT/tests/system/play_network
ip link add up0 type veth peer name lan0
ip link set up0 up
ip link set lan0 up

fail() {
	echo "$1: ${gaps[*]}"
	exit 1
}
mapfile -t gaps < <("$play" pace "$OUT/bulkhead-sniff" up0 1 2 2 1 1 2>/dev/null)
[ "${#gaps[@]}" = 5 ] || fail "it stopped beating"
((gaps[0] >= 900 && gaps[0] < 3000)) || fail "it does not begin with a beat each second"
((gaps[1] >= 3300 && gaps[1] < 5000)) || fail "it is not slow at once"
((gaps[2] >= 3300 && gaps[2] < 5000)) || fail "the slow pace is not what it was told"
((gaps[3] < 900)) || fail "it does not beat at once when it is to be quick"
((gaps[4] >= 900 && gaps[4] < 3000)) || fail "it does not stay quick"

for word in 0 3 4294967295; do
	! "$play" pace "$OUT/bulkhead-sniff" up0 2 "$word" >/dev/null 2>&1 || fail "it took pace $word"
done
echo "ok - ms between heartbeats: quick ${gaps[0]}, slow ${gaps[2]}, at once ${gaps[3]}, quick ${gaps[4]}"
