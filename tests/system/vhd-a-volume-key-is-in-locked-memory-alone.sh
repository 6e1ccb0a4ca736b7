#!/usr/bin/env bash
# While a disk is served under load, its volume key is in the server's locked memory (as the expanded
# key: the search must find that one) and nowhere else: not whole, in no argument, environment or
# log; the server leaves no core, and its own uid may not read its memory. When it has ended, the key
# is in no file that it had.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
export PATH=/usr/bin:$PATH
need nbdkit nbdcopy qemu-img python3 setpriv xxd
[ "$(id -u)" = 0 ] || skip "needs root to read another's memory"
head -c 64 /dev/urandom >"$WORK/key"
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 64M
vhd_serve "$WORK/image.vhd" "$WORK/key" 512
vhd_ready
head -c 48M /dev/urandom >"$WORK/source"
nbdcopy --flush "$WORK/source" "$URI" && nbdcopy "$URI" null: || fail "load: $(cat "$LOG")"
pid=$(nbdkit_pid)
while [ ! -e "$WORK/searched" ]; do nbdcopy "$WORK/source" "$URI" || exit 1; done & # its threads, buffers and
load=$! # stacks are in use while we look
python3 tests/system/find_secret.py "$pid" "$WORK/key" >"$WORK/found" || fail "search: $(cat "$WORK/found")"
: >"$WORK/searched"
wait "$load" || fail "load: $(cat "$LOG")"
grep -q '^half locked' "$WORK/found" || fail "the search sees no key at all: it proves nothing"
! grep -q ' open ' "$WORK/found" || fail "a key outside locked memory: $(cat "$WORK/found")"
! grep -q '^whole' "$WORK/found" || fail "the key that came was not wiped: $(cat "$WORK/found")"

hex=$(xxd -p -c 64 "$WORK/key" | head -c 32)
for file in cmdline environ; do
	! grep -q "$hex" <<<"$(xxd -p -c 0 "/proc/$pid/$file")" || fail "the key is in $file"
	! grep -qi "$hex" "/proc/$pid/$file" || fail "the key is in $file, in hexadecimal"
done
[ "$(awk '/^Max core file size/ { print $5 $6 }' "/proc/$pid/limits")" = 00 ] || fail "a core may be written"
! setpriv --reuid 61007 --regid 61007 --clear-groups cat "/proc/$pid/environ" >/dev/null 2>&1 ||
	fail "its uid may look into it: it is dumpable"
kill -QUIT "$pid" # what would leave a core, were there a handler or not
wait "$SERVE_PID" || true
SERVE_PID=
for file in "$LOG" "$WORK/image.vhd"; do
	python3 - "$WORK/key" "$file" <<'PY' || fail "the key is in $file"
import sys
key, data = (open(f, "rb").read() for f in sys.argv[1:])
sys.exit(any(part in data for part in (key[:32], key[32:], key.hex().encode()[:64])))
PY
done
find "$WORK" -name 'core*' | grep . && fail "it left a core"
echo "the key was found $(grep -c . "$WORK/found") times, in locked memory alone"
