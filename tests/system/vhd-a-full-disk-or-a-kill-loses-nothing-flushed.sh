#!/usr/bin/env bash
# limit: 180 s
# Growth on a full file system: the client gets an error, the log a line, and what was there stays
# readable and writable; with space again it goes on. Then SIGKILL under load, eight times: each
# time the image opens again, and every write that was confirmed with FUA is there.
[ "${1:-}" = inside ] || exec unshare -m --kill-child "$0" inside
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit qemu-img qemu-io
[ "$(id -u)" = 0 ] || skip "needs root to mount and to drop privileges"
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"
head -c 64 /dev/urandom >"$WORK/key"
mkdir "$WORK/small"
mount -t tmpfs -o size=16M,mode=755 tmpfs "$WORK/small" || skip "cannot mount a tmpfs"
IMAGE=$WORK/small/image.vhd
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$IMAGE" 64M

io() { # io COMMAND... - a stock client; what it says goes to $WORK/io
	local args=() command
	for command in "$@"; do
		args+=(-c "$command")
	done
	qemu-io -f raw "${args[@]}" "$URI" >"$WORK/io" 2>&1
}
holds() { # holds COMMAND... - reads that check a pattern
	io "$@" && ! grep -qE 'failed|error' "$WORK/io"
}

vhd_serve "$IMAGE" "$WORK/key" 512
vhd_ready
holds "write -P 0x11 0 4M" flush || fail "first writes: $(cat "$WORK/io")"
io "write -P 0x22 8M 24M" && fail "no error on a full disk: $(cat "$WORK/io")"
grep -q 'No space left on device' "$WORK/io" || fail "the client was told: $(cat "$WORK/io")"
grep -q "disk 'test': write [0-9]* bytes at [0-9]*: No space left on device" "$LOG" ||
	fail "the log: $(cat "$LOG")"
holds "read -P 0x11 0 4M" "write -P 0x33 1M 64k" flush "read -P 0x33 1M 64k" "read -P 0x11 2M 2M" ||
	fail "what was there: $(cat "$WORK/io")"
mount -o remount,size=96M "$WORK/small"
holds "write -P 0x44 60M 64k" flush "read -P 0x44 60M 64k" || fail "space again: $(cat "$WORK/io")"
vhd_stop || fail "exit status $?: $(cat "$LOG")"
"$OUT/bulkhead" vhd check "$IMAGE" >/dev/null || fail "not sound after the full disk"

# 16000 writes of 4 KiB, each with FUA and each at a place of its own; what is confirmed is printed
commands() { # commands ROUND
	awk -v r="$1" 'BEGIN { for (i = 0; i < 16000; i++)
		printf "write -f -P %d %d 4k\n", (i * 7 + r * 31) % 255 + 1, (i * 7919 % 16000) * 4096 }'
}
enough_confirmed() { [ "$(grep -c 'wrote 4096/4096' "$WORK/confirmed")" -ge "$1" ]; }
total=0
for round in 1 2 3 4 5 6 7 8; do
	vhd_serve "$IMAGE" "$WORK/key" 512
	vhd_ready
	: >"$WORK/confirmed"
	commands "$round" | stdbuf -oL qemu-io -f raw "$URI" >"$WORK/confirmed" 2>&1 &
	client=$!
	lab_wait 5 enough_confirmed $((round * 15)) || true
	kill -KILL "$(nbdkit_pid)"
	wait "$client" 2>/dev/null || true
	wait "$SERVE_PID" 2>/dev/null || true
	SERVE_PID=
	n=$(grep -c 'wrote 4096/4096 bytes' "$WORK/confirmed") || true
	[ "$n" -gt 10 ] || fail "round $round: only $n writes before the kill"
	total=$((total + n))
	vhd_serve "$IMAGE" "$WORK/key" 512
	vhd_ready
	commands "$round" | head -n "$n" | sed 's/^write -f/read/' | qemu-io -f raw "$URI" >"$WORK/io" 2>&1 || true
	! grep -qE 'failed|error' "$WORK/io" || fail "round $round: $(grep -m3 -E 'failed|error' "$WORK/io")"
	[ "$(grep -c 'read 4096/4096' "$WORK/io")" = "$n" ] || fail "round $round: not all was read"
	vhd_stop || fail "round $round: exit status $?"
	"$OUT/bulkhead" vhd check "$IMAGE" >/dev/null || fail "round $round: not sound"
done
echo "a full disk and eight kills lost none of $total confirmed writes"
