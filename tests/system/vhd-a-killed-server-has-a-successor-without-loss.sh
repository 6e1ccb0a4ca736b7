#!/usr/bin/env bash
# limit: 300 s
# A client with sixteen requests on the way; the server is killed (SIGKILL) at any answer, KILLS (20)
# times; a successor gets the same socket and image, as the supervisor does it, and the client goes
# on: no record is older than its last flush, torn, or nobody's.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit qemu-img
# Debian's own Python, whatever comes first in PATH
export PATH=/usr/bin:$PATH
python3 -c 'import nbd' 2>/dev/null || skip "python3-libnbd is not installed"
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
SEED=${SEED:-$RANDOM}
head -c 64 /dev/urandom >"$WORK/key"
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 64M
vhd_serve "$WORK/image.vhd" "$WORK/key" 512 again
vhd_ready
python3 tests/system/vhd_client.py endure "$WORK/nbd.sock" "$SERVE_PID" "${KILLS:-20}" "$SEED" \
	>"$WORK/client" 2>&1 || fail "seed $SEED: $(tail -n 3 "$WORK/client"; tail -n 3 "$LOG")"
vhd_stop || fail "exit status $?: $(cat "$LOG")"
"$OUT/bulkhead" vhd check "$WORK/image.vhd" >/dev/null || fail "seed $SEED: not sound"
tail -n 1 "$WORK/client"
