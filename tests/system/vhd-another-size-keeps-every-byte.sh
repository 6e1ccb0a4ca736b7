#!/usr/bin/env bash
# An image that `bulkhead vhd create` made is empty and of its size for qemu, too; filled by qemu and
# resized by us it holds the same bytes and zeros behind them, as qemu reads it. `vhd map` and qemu
# find the same data at the same places. Nothing is overwritten, no data is cut off.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need qemu-img qemu-io jq
vhd() { "$OUT/bulkhead" vhd "$@"; }
refused() { # refused STATUS WORDS ARGUMENT... - and the file stays as it is
	local status=0 want=$1 words=$2
	shift 2
	sha256sum "$WORK/a.vhd" >"$WORK/before"
	vhd "$@" >/dev/null 2>"$WORK/err" || status=$?
	[ "$status" = "$want" ] && grep -qF "$words" "$WORK/err" || fail "$*: $status, $(cat "$WORK/err")"
	sha256sum --quiet -c "$WORK/before" || fail "$*: the file was changed"
}
same_map() { # offset, length and place of all data, as qemu tells them
	qemu-img map --output=json -f vpc "$1" |
		jq -c '.[] | select(.data and .depth == 0 and .offset) | [.start, .length, .offset]' >"$WORK/theirs"
	vhd map --json "$1" | jq -c '.[] | select(.type == "data") | [.offset, .length, .file_offset]' >"$WORK/ours"
	cmp "$WORK/theirs" "$WORK/ours" && [ -s "$WORK/ours" ] || fail "vhd map '$1'"
}

n=0
for how in "" --fixed "--block-size 512K"; do
	# 128 blocks of 512 KiB fill one sector of table: more push the first block away
	for sizes in "512 1K" "64M 350M" "2M 2097664"; do
		read -r from to <<<"$sizes"
		rm -f "$WORK"/{a.vhd,raw}
		# shellcheck disable=SC2086 # words
		vhd create "$WORK/a.vhd" --size "$from" $how >/dev/null || fail "create $from $how"
		[ "$(qemu-img info --output=json -f vpc "$WORK/a.vhd" | jq '."virtual-size"')" = "$(numfmt --from=iec "$from")" ] ||
			fail "$from $how: qemu sees another size"
		truncate -s "$(numfmt --from=iec "$from")" "$WORK/raw"
		for at in 0 1048576 33554432; do
			[ $((at + 65536)) -le "$(stat -c %s "$WORK/raw")" ] || continue
			qemu-io -f vpc -c "write -P 77 $at 64k" "$WORK/a.vhd" >/dev/null
			head -c 65536 /dev/zero | tr '\0' M | dd of="$WORK/raw" bs=64K seek=$((at / 65536)) conv=notrunc status=none
		done
		vhd resize "$WORK/a.vhd" --size "$to" >/dev/null || fail "resize $from $to $how"
		truncate -s "$(numfmt --from=iec "$to")" "$WORK/raw"
		vhd check "$WORK/a.vhd" >/dev/null || fail "not sound: $from $to $how"
		qemu-img compare -q -f vpc -F raw "$WORK/a.vhd" "$WORK/raw" || fail "$from $to $how: other bytes"
		[ "$how" = --fixed ] || [ "$from" = 512 ] || same_map "$WORK/a.vhd"
		n=$((n + 1))
	done
done
refused 1 "it exists" create "$WORK/a.vhd" --size 2M
refused 1 "is smaller than it is: ask for that with --shrink" resize "$WORK/a.vhd" --size 1M
refused 1 "disk: data at 0x200 would be cut off" resize "$WORK/a.vhd" --size 512 --shrink
refused 2 "is no size" resize "$WORK/a.vhd" --size 1000
vhd resize "$WORK/a.vhd" --size 2M --shrink >/dev/null || fail "a hole is not cut off"
: >"$WORK/a.luks"
refused 3 "it is an encrypted layer" resize "$WORK/a.vhd" --size 4M
rm "$WORK/a.luks"
: >"$WORK/a.tree"
refused 3 "check it out again" resize "$WORK/a.vhd" --size 4M
rm "$WORK/a.tree"
# a chain: neither what lies above, nor what lies below
vhd snapshot "$WORK/a.vhd" "$WORK/upon.vhd" >/dev/null
refused 3 "'upon.vhd' is a layer upon it" resize "$WORK/a.vhd" --size 4M
refused 1 "is differencing, and this command serves no chain: merge it into its parent first" resize "$WORK/upon.vhd" --size 4M
vhd check "$WORK/upon.vhd" >/dev/null && vhd coalesce "$WORK/upon.vhd" >/dev/null && vhd resize "$WORK/a.vhd" --size 4M >/dev/null ||
	fail "merged, it has no other size"

# what Virtual PC's geometry cannot say; and the largest there is, whose table alone has 4 MiB
vhd create "$WORK/max.vhd" --size 127G >/dev/null && vhd resize "$WORK/max.vhd" --size 2040G >/dev/null || fail "2040 GiB"
[ "$(qemu-img info --output=json -f vpc "$WORK/max.vhd" | jq '."virtual-size"')" = $((2040 << 30)) ] || fail "2040 GiB for qemu"
vhd map "$WORK/max.vhd" | grep -qE "^ +0 +$((2040 << 30))  hole$" || fail "its map: $(vhd map "$WORK/max.vhd")"
echo "$n images made and resized read as before, with zeros behind; 2040 GiB in $(du -k "$WORK/max.vhd" | cut -f1) KiB"
