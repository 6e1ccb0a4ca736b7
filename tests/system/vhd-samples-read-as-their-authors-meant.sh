#!/usr/bin/env bash
# Real VHDs of several programs: size, rule, creator, blocks as taken by hand from the files; and
# the bytes against qemu-img as a second reader.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need qemu-img bzcat jq
V=$SHARED/data/vhd
[ -d "$V" ] || skip "no sample VHDs: BULKHEAD_SHARED"
[ -x "$OUT/bulkhead" ] || skip "the command line is not built"

expect() { # expect FILE CREATOR TYPE BYTES RULE ALLOCATED BLOCKS
	local got
	got=$("$OUT/bulkhead" vhd info --json "$1" | jq -rs \
		'.[0] | [(.creator | rtrimstr("\u0000")), .type, .virtual_bytes, .size_rule, .blocks_allocated, .blocks, .footers] | map(tostring) | join("|")') ||
		fail "vhd info '$1'"
	[ "$got" = "$2|$3|$4|$5|$6|$7|agree" ] || fail "'$1' is $got"
	"$OUT/bulkhead" vhd check "$1" >/dev/null || fail "vhd check '$1'"
}

same_bytes() { # same_bytes FILE - as qemu-img reads it
	qemu-img convert -f vpc -O raw "$1" "$WORK/qemu.raw"
	"$OUT/tests/system/vhd_cat" "$1" >"$WORK/ours.raw" || fail "read '$1'"
	cmp "$WORK/qemu.raw" "$WORK/ours.raw" || fail "'$1' reads otherwise than qemu reads it"
}

bzcat "$V/qemu-iotests/d2v-zerofilled.vhd.bz2" >"$WORK/d2v.vhd"
bzcat "$V/qemu-iotests/hyperv2012r2-dynamic.vhd.bz2" >"$WORK/hyperv.vhd"

expect "$V/go-vhd/qemu.vhd" qemu dynamic 41953280 geometry 0 21
expect "$V/go-vhd/win8.vhd" "win " dynamic 41943040 current 0 20
expect "$V/dfvfs/ext2.vhd" qemu dynamic 4212736 geometry 1 3
expect "$WORK/d2v.vhd" d2v dynamic 263454720 current 126 126
expect "$WORK/hyperv.vhd" "win " dynamic 136365211648 current 0 65024
for f in "$V"/go-vhd/{qemu,win8}.vhd "$V/dfvfs/ext2.vhd" "$WORK/d2v.vhd"; do
	same_bytes "$f"
done

# image.vhd has wrong checksums since its UUID was edited
refused() { # refused STATUS WORDS FILE
	local status=0
	"$OUT/bulkhead" vhd check "$3" 2>"$WORK/err" || status=$?
	[ "$status" = "$1" ] || fail "'$3': exit status $status"
	grep -qF "$2" "$WORK/err" || fail "'$3': $(cat "$WORK/err")"
}
refused 4 "footer: checksum 0xfffff683 does not match the bytes" "$V/dfvfs/image.vhd"

# made by Windows upon win8.vhd, which it names by an absolute path, too; found beside it by UUID
expect "$V/go-vhd/win8-child.vhd" "win " differencing 41943040 current 0 20
"$OUT/bulkhead" vhd check "$V/go-vhd/win8-child.vhd" >"$WORK/out"
grep -qx "$V/go-vhd/win8.vhd: sound" "$WORK/out" || fail "win8-child.vhd: $(cat "$WORK/out")"
cp "$V/go-vhd/win8-child.vhd" "$WORK/alone.vhd"
refused 1 "its parent 'win8.vhd' is not in folder '$WORK/'" "$WORK/alone.vhd"

# what qemu-img makes, in the sizes where rounding and rules bite
for size in 512 1M 2M 2097664 4294967808 127G; do
	for how in dynamic,force_size=on dynamic,force_size=off fixed,force_size=on; do
		[[ $how != fixed* || $size != 127G && $size != 4294967808 ]] || continue
		rm -f "$WORK/made.vhd"
		qemu-img create -q -f vpc -o "subformat=$how" "$WORK/made.vhd" "$size" 2>/dev/null || continue
		want=$(qemu-img info --output=json -f vpc "$WORK/made.vhd" | jq '."virtual-size"')
		got=$("$OUT/bulkhead" vhd info --json "$WORK/made.vhd" | jq .virtual_bytes)
		[ "$got" = "$want" ] || fail "qemu-img $how $size: $got bytes, qemu says $want"
		made=$((${made:-0} + 1))
	done
done
[ "${made:-0}" -ge 9 ] || fail "only ${made:-0} images were made"

# data in some blocks, none in others, through qemu's own writer
head -c 5000000 /dev/urandom >"$WORK/some"
truncate -s 20M "$WORK/raw"
dd if="$WORK/some" of="$WORK/raw" bs=64K seek=70 conv=notrunc status=none
for how in dynamic fixed; do
	qemu-img convert -f raw -O vpc -o subformat=$how,force_size=on "$WORK/raw" "$WORK/data.vhd"
	same_bytes "$WORK/data.vhd"
	cmp "$WORK/ours.raw" "$WORK/raw" || fail "$how: not what was converted"
done
echo "6 samples and $made made images read as their authors meant"
