#!/usr/bin/env bash
# What qemu-img makes, in the sizes where rounding and rules bite, and what other programs made or would
# make (the samples, and equivalents of samples that are not here): we, qemu, libvhdi and a reader in
# python find the same size and the same bytes. Where one of them is wrong or refuses, the line says so.
# limit: 180 s
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need qemu-img qemu-io jq bzcat
vhd_need_libvhdi
v=$WORK/v.vhd
n=0 peers=0
size_of() { vhd info --json "$1" | jq -r .virtual_bytes; }

# Spots of a large disk, 4 KiB each, by libvhdi: vhd_spots FILE OFFSET...
libvhdi_spots() {
	/usr/bin/python3 -c '
import pyvhdi, sys
f = pyvhdi.file()
f.open(sys.argv[1])
for at in sys.argv[2:]:
    sys.stdout.buffer.write(f.read_buffer_at_offset(4096, int(at)))' "$@"
}
spots() { # spots RAW OFFSET...
	local raw=$1 at
	shift
	for at; do
		dd if="$raw" iflag=skip_bytes skip="$at" bs=4096 count=1 status=none
	done
}

# agree FILE READER... - all of a small disk, by each of: qemu, libvhdi, python
agree() {
	local file=$1 reader
	shift
	rm -f "$WORK/ours.raw"
	"$OUT/tests/system/vhd_cat" "$file" >"$WORK/ours.raw" || fail "we do not read '$file'"
	for reader; do
		case $reader in
		qemu) qemu-img convert -f vpc -O raw "$file" "$WORK/theirs.raw" ;;
		libvhdi) vhd_libvhdi "$file" >"$WORK/theirs.raw" ;;
		python) vhd_python "$file" >"$WORK/theirs.raw" ;;
		esac
		cmp "$WORK/theirs.raw" "$WORK/ours.raw" || fail "'$file': $reader reads something else"
		peers=$((peers + 1))
	done
	n=$((n + 1))
}

# What qemu-img makes. Size 0 has no geometry and no block: qemu makes it, and we name why it is no disk.
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$v" 0
status=0
vhd check "$v" 2>"$WORK/err" || status=$?
[ "$status" = 4 ] && grep -qF "footer: size 0x0 is not that of any disk" "$WORK/err" || fail "size 0: $status, $(cat "$WORK/err")"
for bytes in 512 2096640 2097152 2097664 136365211648 2190433320960; do
	for how in dynamic,force_size=on dynamic,force_size=off fixed,force_size=on fixed,force_size=off; do
		rm -f "$v"
		# (beyond 127 GiB a geometry alone cannot say the size: qemu refuses)
		qemu-img create -q -f vpc -o "subformat=$how" "$v" "$bytes" 2>"$WORK/err" || { [[ $how == *off && $bytes -gt 136e9 ]] || fail "qemu-img $how $bytes"; continue; }
		got=$(size_of "$v")
		[ "$got" = "$(qemu-img info --output=json -f vpc "$v" | jq '."virtual-size"')" ] || fail "$how $bytes: $got bytes, qemu sees others"
		[[ $how == *off ]] || [ "$got" = "$bytes" ] || fail "$how $bytes: $got bytes"
		last=$((got / 4096 * 4096 - 4096)) middle=$((got / 8192 * 4096))
		if [ "$got" -le 10000000 ]; then
			qemu-io -f vpc -c "write -P 7 0 512" -c "write -P 9 $((got - 512)) 512" "$v" >/dev/null
			agree "$v" qemu libvhdi python
			continue
		fi
		qemu-io -f vpc -c "write -P 7 0 4k" -c "write -P 8 $middle 64k" -c "write -P 9 $last 4k" "$v" >/dev/null
		if [[ $how == fixed* ]]; then
			vhd map --json "$v" | jq -e "length == 1 and .[0].length == $got and .[0].file_offset == 0" >/dev/null || fail "$how $bytes: map"
		else
			rm -f "$WORK/ours.raw"
			"$OUT/tests/system/vhd_cat" "$v" >"$WORK/ours.raw"
			spots "$WORK/ours.raw" 0 "$middle" "$last" 4096 >"$WORK/ours"
			libvhdi_spots "$v" 0 "$middle" "$last" 4096 | cmp - "$WORK/ours" || fail "$how $bytes: libvhdi"
			[ "$(vhd map --json "$v" | jq -c '[.[] | select(.type == "data") | .file_offset]')" = \
				"$(qemu-img map --output=json -f vpc "$v" | jq -c '[.[] | select(.data) | .offset]')" ] || fail "$how $bytes: map"
			peers=$((peers + 2))
		fi
		n=$((n + 1))
	done
done

# Equivalents of samples that are not here: VirtualBox, XenServer, Windows, Virtual PC, fixed ones.
like() { # like READERS SPEC
	vhd_make "$2" "$v"
	# shellcheck disable=SC2086 # words
	agree "$v" $1
}
data='"data":[[0,8,1],[4090,20,2],[8000,192,3]]'
# (qemu 7.2 does not know VirtualBox: it takes the geometry, which is smaller)
like "libvhdi python" "{\"size\":41943040,\"creator\":\"vbox\",\"version\":262147}"
like "libvhdi python" "{\"size\":8388608,\"creator\":\"vbox\",\"version\":262147,$data,\"bits\":\"all\"}"
like "qemu libvhdi python" "{\"size\":8388608,\"creator\":\"tap\",\"version\":65539,\"batmap\":65538,$data,\"bits\":\"all\"}"
like "qemu libvhdi python" "{\"size\":8388608,\"creator\":\"win \",\"gap\":5632,\"type\":3,$data}" # zeros under clear bits
like "qemu libvhdi python" "{\"size\":8388608,\"creator\":\"win \",\"type\":2,$data}"
like "qemu python" "{\"size\":8388608,\"creator\":\"vpc \",\"chs\":[240,4,17],$data,\"bits\":\"all\"}" # libvhdi has no rule for sizes
vhd_make '{"size":1073741824,"creator":"win "}' "$v" && [ "$(size_of "$v")" = 1073741824 ] || fail "1 GiB of Windows"
vhd_make '{"size":136365211648,"creator":"vpc ","version":327683,"chs":[65278,16,255]}' "$v"
[ "$(size_of "$v")" = 136363130880 ] || fail "127 GiB of Virtual PC"
vhd_make '{"size":4194304,"type":4,"parent":"2222222222222222222222222222222200000000","sum":"footer","locators":[]}' "$v"
vhd check "$v" >/dev/null 2>&1 && fail "a child with wrong checksums passes"

# The samples. qemu ignores bitmaps and parents, so it gets none with either.
V=$SHARED/data/vhd
if [ -d "$V" ]; then
	bzcat "$V/qemu-iotests/d2v-zerofilled.vhd.bz2" >"$WORK/d2v.vhd"
	agree "$V/go-vhd/win8.vhd" qemu libvhdi python
	agree "$V/go-vhd/qemu.vhd" qemu libvhdi python
	agree "$V/dfvfs/ext2.vhd" qemu libvhdi python
	agree "$WORK/d2v.vhd" qemu libvhdi
	vhd_same "$V/go-vhd/win8-child.vhd" "$V/go-vhd/win8.vhd"
	vhd_libvhdi "$V/go-vhd/win8-child.vhd" "$V/go-vhd/win8.vhd" | cmp - "$WORK/ours.raw" || fail "win8-child.vhd: libvhdi"
	cp "$V/dfvfs/image.vhd" "$v" && chmod +w "$v" && vhd repair --yes "$v" >/dev/null # its checksums are wrong; libvhdi refuses it
	agree "$v" qemu libvhdi python
else
	echo "without the samples: BULKHEAD_SHARED"
fi
echo "$n images, $peers comparisons, no difference"
