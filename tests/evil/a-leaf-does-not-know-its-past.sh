#!/usr/bin/env bash
# Attack 19, shown as far as it goes. A sector's ciphertext from another disk, or from another place of
# the same disk, reads as noise, not as what it was. An older ciphertext put back at its own place reads
# as the older data: XTS keeps no history, and SECURITY.md says so.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit qemu-io nbdcopy jq
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
one=$WORK/one.vhd two=$WORK/two.vhd
serve() { # serve IMAGE KEY COMMAND... - by qemu-io over the socket
	local image=$1 key=$2 c args=()
	shift 2
	for c; do args+=(-c "$c"); done
	vhd_serve "$image" "$key" 512
	vhd_ready
	qemu-io -f raw "${args[@]}" "$URI" >"$WORK/io" 2>&1 || true # a pattern that is not there: see reads()
	vhd_stop || fail "the server: $(cat "$LOG")"
}
reads() { # reads PATTERN BYTE IMAGE KEY
	serve "$3" "$4" "read -P $1 $2 4k"
	grep -q "read 4096/4096" "$WORK/io" || fail "read: $(cat "$WORK/io")"
	! grep -q "Pattern verification failed" "$WORK/io"
}
place() { vhd map --json "$1" | jq ".[] | select(.offset <= $2 and $2 < .offset + .length) | .file_offset + $2 - .offset"; }
move() { # move FROM-FILE BYTE TO-FILE BYTE - 4 KiB of ciphertext
	dd if="$1" of="$3" bs=512 count=8 skip=$(($(place "$1" "$2") / 512)) seek=$(($(place "$3" "$4") / 512)) conv=notrunc status=none
}
for disk in one two; do
	head -c 64 /dev/urandom >"$WORK/$disk.key"
	vhd create "$WORK/$disk.vhd" --size 8M >/dev/null
	chmod 644 "$WORK/$disk.vhd"
	serve "$WORK/$disk.vhd" "$WORK/$disk.key" "write -P 17 0 64k" flush
done
cp "$one" "$WORK/old.vhd"

move "$two" 0 "$one" 0
! reads 17 0 "$one" "$WORK/one.key" || fail "another disk's sectors read as data"
cp "$WORK/old.vhd" "$one"
move "$one" 4096 "$one" 0
! reads 17 0 "$one" "$WORK/one.key" || fail "sectors of another place read as data"

cp "$WORK/old.vhd" "$one"
serve "$one" "$WORK/one.key" "write -P 34 0 4k" flush
reads 34 0 "$one" "$WORK/one.key" || fail "what was written is not there"
move "$WORK/old.vhd" 0 "$one" 0
reads 17 0 "$one" "$WORK/one.key" || fail "a replay is noticed now: SECURITY.md and doc/disk-attacks.md say otherwise"
tr '\n' ' ' <SECURITY.md | grep -q "can put back an older sector or an older image" || fail "SECURITY.md does not say it"
echo "sectors of others and of elsewhere read as noise; a replay in the leaf reads as data, as SECURITY.md says"
