#!/usr/bin/env bash
# Every command, flag and border of NBD, asked by a client of libnbd: data at any byte, holes and
# zeros, FUA and flush across connections, requests beyond the disk refused and nothing changed.
# Then stock programs: nbdinfo tells the same, nbdcopy reads and writes all of it, nbdsh starts.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit nbdinfo nbdcopy nbdsh qemu-img
# Debian's own Python, whatever comes first in PATH
export PATH=/usr/bin:$PATH
python3 -c 'import nbd' 2>/dev/null || skip "python3-libnbd is not installed"
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
head -c 64 /dev/urandom >"$WORK/key"
# One vanishes with its requests on the way. Where the server ends by that, a successor serves, and what was
# flushed is there.
someone_vanishes() { # someone_vanishes SECTOR_BYTES
	vhd_serve "$WORK/image.vhd" "$WORK/key" "$1"
	vhd_ready
	timeout 30 python3 tests/system/vhd_client.py vanish "$WORK/nbd.sock" >"$WORK/client" 2>&1 || true
	if ! timeout 30 python3 tests/system/vhd_client.py known "$WORK/nbd.sock" >"$WORK/client" 2>&1; then
		vhd_excused || fail "a client vanished: $(tail -n 3 "$WORK/client" "$LOG")"
		vhd_stop || true
		vhd_serve "$WORK/image.vhd" "$WORK/key" "$1"
		vhd_ready
		timeout 30 python3 tests/system/vhd_client.py known "$WORK/nbd.sock" || fail "what was flushed is gone"
	fi
	vhd_stop || vhd_excused || fail "the server: $(cat "$LOG")"
}
for sector in 512 4096; do
	rm -f "$WORK/image.vhd"
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 64M
	vhd_serve "$WORK/image.vhd" "$WORK/key" "$sector"
	vhd_ready
	timeout 60 python3 tests/system/vhd_client.py commands "$WORK/nbd.sock" >"$WORK/client" 2>&1 ||
		fail "sectors of $sector: $(tail -n 3 "$WORK/client"; tail -n 3 "$LOG")"
	[ "$(nbdinfo --size "$URI")" = 67108864 ] || fail "nbdinfo: $(nbdinfo "$URI" 2>&1)"
	nbdsh -u "$URI" -c 'assert h.can_multi_conn() and h.can_fua()' || fail "nbdsh"
	head -c 64M /dev/urandom >"$WORK/all"
	nbdcopy --flush "$WORK/all" "$URI" && nbdcopy "$URI" "$WORK/back" || fail "nbdcopy: $(cat "$LOG")"
	cmp "$WORK/all" "$WORK/back" || fail "nbdcopy reads something else"
	truncate -s 0 "$WORK/all" && truncate -s 64M "$WORK/all"
	nbdcopy --destination-is-zero --flush "$WORK/all" "$URI" # nothing to write
	nbdcopy --flush "$WORK/all" "$URI" && nbdcopy "$URI" "$WORK/back" && cmp "$WORK/all" "$WORK/back" ||
		fail "zeros by nbdcopy"
	[ "$(nbdinfo --map --totals "$URI" | awk '$3 == 3 { print $1 }')" = 67108864 ] ||
		fail "zeros are no hole: $(nbdinfo --map --totals "$URI")"
	vhd_stop || fail "exit status $?: $(cat "$LOG")"
	! grep -q "disk 'test'" "$LOG" || fail "the log tells of an error: $(cat "$LOG")"
	[ "$(grep -c 'out of range\|unknown flag' "$LOG")" = 11 ] || fail "refusals in the log: $(cat "$LOG")"
	someone_vanishes "$sector"
	"$OUT/bulkhead" vhd check "$WORK/image.vhd" >/dev/null || fail "not sound"
done
echo "all commands and flags with sectors of 512 and 4096; nbdinfo, nbdcopy and nbdsh agree"
