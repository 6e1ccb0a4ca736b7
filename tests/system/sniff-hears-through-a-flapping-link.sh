#!/usr/bin/env bash
# sniff tells what it hears, once, and only what came in; a link that goes down and up again stays
# captured; a link that is deleted is no longer attested; the role keeps nothing it does not need.
# limit: 60 s
set -euo pipefail
OUT=$(realpath "${OUT:-out}")
cd "$(dirname "$0")/../.."
if [ -z "${IN_NAMESPACE:-}" ]; then
	[ "$(id -u)" = 0 ] || { echo "needs root"; exit 77; }
	exec env IN_NAMESPACE=1 unshare -m -n --pid --fork --kill-child --mount-proc bash "$0"
fi

. tests/lab/wait.sh
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
play=$OUT/tests/system/play_network
ip link add up0 type veth peer name lan0
ip link set up0 up
ip link set lan0 up

frame() { # frame DIGIT - LLDP: chassis 02:00:00:00:00:0DIGIT, port "1", ttl 120 s
	printf '%s' "0180c200000e02000000000${1}88cc" "0207040200000000" "0${1}" \
		"04020531" "06020078" "0000"
}
has() { # has TEXT COUNT - so many lines of the output begin with it
	[ "$(grep -c "^$1" "$dir/out")" -ge "$2" ]
}
await() { # await TEXT COUNT
	lab_wait 15 has "$1" "$2" && return
	echo "waited in vain for $2 x '$1':"
	cat "$dir/out" "$dir/log"
	exit 1
}

mkfifo "$dir/err"
cat "$dir/err" >"$dir/log" &
"$play" listen "$OUT/bulkhead-sniff" up0 40 >"$dir/out" 2>"$dir/err" &
await alive 1
pid=$(pgrep -f "^$OUT/bulkhead-sniff")
grep -qE '^Uid:\s+640002\s+640002' "/proc/$pid/status"
grep -qE '^Cap(Eff|Prm|Bnd):\s+0000000000000000' "/proc/$pid/status"
grep -qE '^NoNewPrivs:\s+1' "/proc/$pid/status"
grep -qE '^Seccomp:\s+2' "/proc/$pid/status"
echo "ok - without uid 0, capabilities, or a way back"

"$play" send lan0 "$(frame 1)"
await "lldp system='' chassis='02:00:00:00:00:01'" 1
"$play" send up0 "$(frame 2)"
echo "ok - a neighbour is heard"

beats=$(grep -c ^alive "$dir/out")
ip link set up0 down
await alive $((beats + 2))
ip link set up0 up
lan0_is_up() { ip link show lan0 | grep -q 'state UP'; }
lab_wait 15 lan0_is_up # until the kernel has noticed the carrier, the other end sends into the void
"$play" send lan0 "$(frame 3)"
await "lldp system='' chassis='02:00:00:00:00:03'" 1
echo "ok - a link that was down is heard again"

[ "$(grep -c ^lldp "$dir/out")" = 2 ] || { cat "$dir/out"; exit 1; }
! grep '^alive' "$dir/out" | grep -vx 'alive dropped=0'
echo "ok - each frame once, none of our own, nothing dropped"

ip link del up0
lab_wait 15 grep -q "capture on link" "$dir/log"
beats=$(grep -c ^alive "$dir/out")
! lab_wait 3 has alive $((beats + 1)) # two beats would fit
kill -0 "$pid" || { cat "$dir/log" "$dir/out"; exit 1; }
echo "ok - a link that is gone is no longer attested, and sniff lives"
