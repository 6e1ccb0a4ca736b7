#!/usr/bin/env bash
# What another program encrypted reads byte for byte through the plugin, by three clients; and what
# is written through the plugin, that other program's cipher reads, with both sector sizes.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdcopy nbdinfo qemu-img nbdkit jq
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
vhd_build "$WORK"
D=$WORK/data

# Its own reader: block table and AES-XTS from python, no line of ours. Holes read as zeros.
decrypt() { # decrypt VHD KEY SECTOR_BYTES > raw
	python3 - "$@" <<'PY'
import struct, sys
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
d = open(sys.argv[1], 'rb').read(); key = open(sys.argv[2], 'rb').read(); ss = int(sys.argv[3])
size, = struct.unpack('>Q', d[48:56]); bat, = struct.unpack('>Q', d[528:536]); bs, = struct.unpack('>I', d[544:548])
out = bytearray(size)
for i in range((size + bs - 1) // bs):
    e, = struct.unpack('>I', d[bat + 4 * i:bat + 4 * i + 4])
    if e == 0xffffffff: continue
    bits = d[e * 512:e * 512 + 512]; n = min(bs, size - i * bs)
    for o in range(0, n, ss):
        if not bits[o // 512 // 8] >> (7 - o // 512 % 8) & 1: continue
        x = Cipher(algorithms.AES(key), modes.XTS(struct.pack('<QQ', (i * bs + o) // 512, 0))).decryptor()
        at = e * 512 + 512 + o
        out[i * bs + o:i * bs + o + ss] = x.update(d[at:at + ss]) + x.finalize()
sys.stdout.buffer.write(out)
PY
}

for ss in 512 4096; do
	vhd_serve "$D/enc$ss.vhd" "$D/vk$ss" "$ss"
	vhd_ready
	nbdcopy "$URI" "$WORK/nbdcopy.raw"
	cmp "$WORK/nbdcopy.raw" "$D/plain.raw" || fail "nbdcopy, sectors of $ss"
	qemu-img convert -f raw -O raw "$URI" "$WORK/qemu.raw"
	cmp "$WORK/qemu.raw" "$D/plain.raw" || fail "qemu-img, sectors of $ss"
	# blocks 0, 2, 5, 7 of 2 MiB hold data, the others are holes
	nbdinfo --map --json "$URI" | jq -c '[.[] | [.offset, .length, .type]]' >"$WORK/map"
	grep -qxF '[[0,2097152,0],[2097152,2097152,3],[4194304,2097152,0],[6291456,4194304,3],[10485760,2097152,0],[12582912,2097152,3],[14680064,2097152,0]]' \
		"$WORK/map" || fail "map, sectors of $ss: $(cat "$WORK/map")"
	nbdinfo --json "$URI" | jq -e '.exports[0] | .can_flush and .can_fua and .can_trim and
		.can_zero and .can_multi_conn and ."export-size" == 16777216' >/dev/null ||
		fail "flags, sectors of $ss"

	# now the other way round: new contents, in a hole too, over several connections
	cp "$D/plain.raw" "$WORK/new.raw"
	head -c 3000000 /dev/urandom | dd of="$WORK/new.raw" bs=1M seek=3 conv=notrunc status=none
	nbdcopy --connections=4 --flush "$WORK/new.raw" "$URI"
	vhd_stop || fail "server's exit status $?: $(cat "$LOG")"
	decrypt "$D/enc$ss.vhd" "$D/vk$ss" "$ss" >"$WORK/decrypted.raw"
	cmp "$WORK/decrypted.raw" "$WORK/new.raw" || fail "what was written, sectors of $ss"
	qemu-img info --output=json -f vpc "$D/enc$ss.vhd" | jq -e '."virtual-size" == 16777216' >/dev/null ||
		fail "qemu-img no longer reads the file, sectors of $ss"
	qemu-img check -q -f vpc "$D/enc$ss.vhd" 2>"$WORK/check" || grep -q 'does not support' "$WORK/check" ||
		fail "qemu-img check: $(cat "$WORK/check")"
	echo "sectors of $ss: read by nbdcopy and qemu-img, written, read by python"
done
