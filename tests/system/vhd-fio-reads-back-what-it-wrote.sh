#!/usr/bin/env bash
# limit: 180 s
# fio's own client over the socket, FIO_S (14) seconds: writes of mixed sizes with flushes between
# them, then 4 KiB trimmed and written again, each read back and its checksum verified while others
# are on their way. A disk half as large as what is written, so that all is overwritten, too.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need fio nbdkit qemu-img
fio --enghelp 2>/dev/null | grep -qw nbd || skip "this fio knows no nbd"
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
SEED=${SEED:-$RANDOM} half=$((${FIO_S:-14} / 2))
head -c 64 /dev/urandom >"$WORK/key"

verify() { # verify SECTOR_BYTES NAME ARGUMENT...
	local sector=$1 name=$2
	rm -f "$WORK/image.vhd"
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 96M
	vhd_serve "$WORK/image.vhd" "$WORK/key" "$sector"
	vhd_ready
	(cd "$WORK" && fio --name="$name" --ioengine=nbd --uri="$URI" --size=96M --iodepth=16 \
		--randseed="$SEED" --time_based --runtime="$half" --verify=crc32c --verify_fatal=1 \
		--verify_backlog=256 --output="$WORK/fio.$name" "${@:3}") >"$WORK/err" 2>&1 ||
		fail "$name, seed $SEED: $(tail -n 3 "$WORK/err" "$WORK/fio.$name"; tail -n 3 "$LOG")"
	vhd_stop || fail "$name: exit status $?: $(cat "$LOG")"
	"$OUT/bulkhead" vhd check "$WORK/image.vhd" >/dev/null || fail "$name, seed $SEED: not sound"
	grep -q ' err= 0' "$WORK/fio.$name" || fail "$name: $(cat "$WORK/fio.$name")"
}
ios() { sed -n 's/.*issued rwts: total=\([0-9]*\),\([0-9]*\),\([0-9]*\),.*/\1 reads, \2 writes, \3 trims/p' "$WORK/fio.$1"; }

verify 512 mixed --rw=randwrite --bssplit=512/10:4k/50:12k/20:64k/15:1m/5 --fsync=40
verify 4096 trims --rw=randtrimwrite --bs=4k --fsync=100 \
	--iodepth=1 --numjobs=4 --size=24M --offset_increment=24M --group_reporting # (at once in itself, fio does not wait for a trim)
echo "mixed sizes: $(ios mixed); trims: $(ios trims); all as written, seed $SEED"
