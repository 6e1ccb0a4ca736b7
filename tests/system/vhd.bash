# vhd.bash - what the tests of the VHD engine share; source it from the top of the tree.
#
# shellcheck shell=bash

set -euo pipefail
OUT=${OUT:-out}
SHARED=${BULKHEAD_SHARED:-../shared}
SERVE_PID=
. tests/lab/wait.sh

skip() { echo "$*"; exit 77; }
fail() { echo "FAIL: $*" >&2; exit 1; }
need() { # need PROGRAM...
	local program
	for program in "$@"; do
		command -v "$program" >/dev/null || skip "'$program' is not installed"
	done
}

# A folder that nobody else may enter, and that goes with us; the server, too.
WORK=$(mktemp -d)
chmod 711 "$WORK" # nbdkit runs without privilege and connects clients by name
vhd_cleanup() {
	vhd_stop 2>/dev/null || true
	! mountpoint -q "$WORK/small" || umount -l "$WORK/small"
	rm -rf "$WORK"
}
trap vhd_cleanup EXIT
trap 'exit 1' INT TERM

URI="nbd+unix:///?socket=$WORK/nbd.sock"
LOG=$WORK/log

# vhd_build FOLDER - what the independent builder makes: plain.raw, plain.vhd, encN.vhd, and volume
# keys vkN taken from its LUKS2 headers by cryptsetup.
vhd_build() {
	local size
	python3 -c 'import cryptography' 2>/dev/null || skip "python3-cryptography is not installed"
	[ -e "$SHARED/spikes/vhd/mkvhd.py" ] || skip "the independent builder is not here: BULKHEAD_SHARED"
	need cryptsetup
	mkdir -p "$1/data"
	local script
	script=$(realpath "$SHARED/spikes/vhd/mkvhd.py")
	(cd "$1" && python3 "$script") >"$1/build.log" 2>&1 || fail "builder: $(cat "$1/build.log")"
	for size in 512 4096; do
		cryptsetup luksDump -q --dump-volume-key --volume-key-file "$1/data/vk$size" \
			--key-file "$1/data/k" "$1/data/h$size.img" >/dev/null 2>&1
	done
}

# vhd_serve IMAGE KEYFILE SECTOR_BYTES [SPOIL] - start the plugin as supervisor and key would, with a MAC
# of the image as it is now; KEEP_MAC=1: with the one that it has.
vhd_serve() {
	rm -f "$WORK/nbd.sock"
	[ "${KEEP_MAC-}" ] || rm -f "$1.mac"
	"$OUT/tests/system/serve_disk" "$OUT/bulkhead-block.so" "$1" "$WORK/nbd.sock" "$2" "$3" \
		${4:+"$4"} 2>"$LOG" &
	SERVE_PID=$!
}

# Clients may connect at once: the socket listens before the key is there. serve_disk makes it first.
vhd_ready() {
	lab_wait 5 vhd_is_ready_or_gone && [ -S "$WORK/nbd.sock" ] || fail "no socket: $(cat "$LOG")"
}
vhd_is_ready_or_gone() { [ -S "$WORK/nbd.sock" ] || ! kill -0 "$SERVE_PID" 2>/dev/null; }

# vhd_stop - orderly; returns the server's exit status
vhd_stop() {
	local pid=$SERVE_PID
	[ -n "$pid" ] || return 0
	SERVE_PID=
	kill -TERM "$pid" 2>/dev/null || true
	wait "$pid"
}

# A client vanished with requests on their way: nbdkit 1.32.5 may end by an assertion of its own then, when another
# thread has closed the socket before it answers. Nothing else is an excuse for a server that is gone.
vhd_excused() { grep -q 'raw_send_socket: Assertion' "$LOG"; }

nbdkit_pid() { ps -o pid= --ppid "$SERVE_PID" | tr -d ' '; }

# ---- VHDs as other programs write and read them ----

vhd() { "$OUT/bulkhead" vhd "$@"; }
vhd_make() { /usr/bin/python3 tests/system/vhd_make.py make "$@"; } # vhd_make SPEC FILE
vhd_python() { /usr/bin/python3 tests/system/vhd_make.py read "$@"; } # vhd_python FILE [PARENT...] > raw

# libvhdi, as another reader: vhd_libvhdi FILE [PARENT] > raw
vhd_libvhdi() {
	/usr/bin/python3 - "$@" <<-'PY'
		import pyvhdi, sys
		layers = []
		for path in sys.argv[:0:-1]:
		    f = pyvhdi.file()
		    f.open(path)
		    if layers:
		        f.set_parent(layers[-1])
		    layers.append(f)
		f = layers[-1]
		left = f.get_media_size()
		while left:
		    part = f.read_buffer(min(left, 1 << 20))
		    sys.stdout.buffer.write(part)
		    left -= len(part)
	PY
}
vhd_need_libvhdi() {
	/usr/bin/python3 -c 'import pyvhdi' 2>/dev/null || skip "python3-libvhdi is not installed"
}

# vhd_same FILE [PARENT...] - we read what the reader in python reads: $WORK/ours.raw
vhd_same() {
	rm -f "$WORK/ours.raw"
	"$OUT/tests/system/vhd_cat" "$@" >"$WORK/ours.raw" || fail "read $*"
	vhd_python "$@" | cmp - "$WORK/ours.raw" || fail "$*: we read it otherwise"
}
