#!/usr/bin/env bash
# The plugin ends, with a reason in its log, and answers no client, when the key is for another
# image or another size, when half a message comes, or none.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdinfo nbdkit qemu-img
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
head -c 64 /dev/urandom >"$WORK/key"

try() { # try SPOIL WORDS - what the log must hold
	local status=0 pid
	rm -f "$WORK/image.vhd"
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 4M
	sha256sum "$WORK/image.vhd" >"$WORK/before"
	vhd_serve "$WORK/image.vhd" "$WORK/key" 512 "$1"
	pid=$SERVE_PID
	vhd_ready
	! timeout 5 nbdinfo "$URI" >"$WORK/client" 2>&1 || fail "$1: a client was served"
	wait "$pid" || status=$?
	SERVE_PID=
	[ "$status" != 0 ] && [ "$status" -lt 125 ] || fail "$1: exit status $status: $(cat "$LOG")"
	grep -qF "disk 'test': $2" "$LOG" || fail "$1: $(cat "$LOG")"
	sha256sum --quiet -c "$WORK/before" || fail "$1: the image was touched"
}

try uuid "open image: leaf.mac: UUID 0x"
try size "check image: the key is for a disk of 4194816 bytes, the image has 4194304"
try half "receive key: Protocol error"
try none "receive key: Broken pipe"
try nomac "open image: its leaf.mac is not there"
echo "five wrong hand-overs, five refusals"
