#!/usr/bin/env bash
# Between a kill and its resume a conversion in place is an attacker's: another table entry, another bit of a
# bitmap, another header, an older or no MAC are refused with exit status 4, nothing is written, and the right
# files go on to the same bytes. To encrypt, to another key, to decrypt.
# limit: 180 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/keys.bash
. tests/system/faults.bash
need strace
keys_on laptop
keys_it
keys_enrol
keys_plain
plain=$WORK/plain.raw dir=$WORK/out/disks/work refused=0
head -c 24M /dev/urandom >"$plain"
truncate -s 40M "$plain" # and blocks that nobody wrote
qemu-img convert -f raw -O vpc -o subformat=dynamic,force_size=on "$plain" "$WORK/plain.vhd"
papers=(--device "$WORK/device.yaml" --trust "$WORK/trust.yaml" --lease-key "$WORK/lease.key" --days 7 --pin-fd 0)
be32() { printf %d "0x$(xxd -p -s "$2" -l 4 "$1")"; } # be32 FILE AT
put() { printf "%08x" "$3" | xxd -r -p | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; } # put FILE AT NUMBER

# killed COMMAND... - it dies when its first window is in place and the second one's record is written
killed() {
	! "${@:2}" <<<"$PIN" >"$WORK/log" 2>&1 || fail "$1: strace does not kill it"
	[ "$(head -c 8 "$dir/leaf.convert")" = bhconvrt ] || fail "$1: it had not begun: $(cat "$WORK/log")"
	! "$BULKHEAD" vhd check "$dir/leaf.vhd" >"$WORK/log" 2>&1 || fail "$1: the image is not marked"
	rm -rf "$WORK/half"
	cp -a "$dir" "$WORK/half"
}
# spoiled WHAT RESUME... - the folder as it is now is refused, and stays as it is
spoiled() {
	local what=$1 status=0 before
	before=$(cat "$dir/leaf.vhd" "$dir/leaf.convert" | sha256sum)
	"${@:2}" >"$WORK/log" 2>&1 || status=$?
	[ $status = 4 ] || fail "$what: exit status $status, not 4: $(cat "$WORK/log")"
	[ "$before" = "$(cat "$dir/leaf.vhd" "$dir/leaf.convert" | sha256sum)" ] || fail "$what: something was written"
	echo "$what: $(cat "$WORK/log")"
	refused=$((refused + 1))
	rm -rf "$dir"
	cp -a "$WORK/half" "$dir"
}
# attacks RESUME... - the table is where the header at byte 512 says
attacks() {
	local vhd=$dir/leaf.vhd table last bitmap
	table=$(be32 "$vhd" $((512 + 20)))
	last=$(be32 "$vhd" $((table + 4 * 11)))
	bitmap=$((last * 512))
	put "$vhd" $((table + 4 * 11)) $((0xffffffff))
	spoiled "a block less" "$@"
	put "$vhd" $((table + 4 * 11)) "$(be32 "$vhd" $((table + 4 * 10)))"
	put "$vhd" $((table + 4 * 10)) "$last"
	spoiled "two blocks exchanged" "$@"
	put "$vhd" $((table + 4 * 15)) "$last"
	put "$vhd" $((table + 4 * 11)) $((0xffffffff))
	spoiled "a block elsewhere" "$@"
	put "$vhd" $((bitmap + 256)) 0
	spoiled "bits cleared" "$@"
	printf '\x01' | dd of="$vhd" bs=1 seek=$((512 + 1020)) conv=notrunc status=none
	spoiled "a byte of the header" "$@"
	rm "$dir/leaf.next.mac"
	spoiled "no MAC" "$@"
	[ ! -e "$dir/leaf.mac" ] || { cp "$dir/leaf.mac" "$dir/leaf.next.mac"; spoiled_if_other "the old MAC" "$@"; }
	head -c 4096 /dev/zero >"$dir/leaf.next.mac"
	spoiled "zeros for a MAC" "$@"
	"$@" >"$WORK/log" 2>&1 || fail "the files of then: $(cat "$WORK/log")"
}
# of a decryption both MACs are of one key and say the same
spoiled_if_other() { cmp -s "$dir/leaf.mac" "$WORK/half/leaf.next.mac" || [ "$direction" = decrypt ] || spoiled "$@"; }
same() { # same RAW
	cmp "$1" "$plain" || fail "$direction: another disk came out"
	rm "$1"
}

direction=encrypt
killed encrypt fault KILL fdatasync 8 "$BULKHEAD" disk create --in-place --source "$WORK/plain.vhd" --name work \
	--out "$WORK/out" "${papers[@]}" --recovery-out "$WORK/recovery-1"
attacks "$BULKHEAD" disk resume "$dir" --recovery-file "$WORK/recovery-1"
"$BULKHEAD" disk export "$dir" "$WORK/x.raw" --recovery-file "$WORK/recovery-1" >/dev/null
same "$WORK/x.raw"
keys_unlock work "$PIN" ok

direction=rekey
killed rekey fault KILL fdatasync 8 "$BULKHEAD" disk rekey "$dir" --recovery-file "$WORK/recovery-1" "${papers[@]}" \
	--recovery-out "$WORK/recovery-2"
attacks "$BULKHEAD" disk resume "$dir" --recovery-file "$WORK/recovery-1" --recovery-file "$WORK/recovery-2"
"$BULKHEAD" disk export "$dir" "$WORK/x.raw" --recovery-file "$WORK/recovery-2" >/dev/null
same "$WORK/x.raw"
keys_unlock work "$PIN" ok

direction=decrypt
killed decrypt fault KILL fdatasync 7 "$BULKHEAD" disk decrypt "$dir" --recovery-file "$WORK/recovery-2"
attacks "$BULKHEAD" disk resume "$dir" --recovery-file "$WORK/recovery-2"
qemu-img convert -f vpc -O raw "$dir/leaf.vhd" "$WORK/x.raw"
same "$WORK/x.raw"
[ "$(echo "$dir"/*)" = "$dir/leaf.escrow $dir/leaf.vhd" ] || fail "left behind: $(echo "$dir"/*)"
echo "3 conversions, $refused attacks between kill and resume refused; each ended with every byte"
