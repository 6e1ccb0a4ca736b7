#!/usr/bin/env bash
# The plugin under the very list that it ships with: openat, socket, execve, ptrace, connect, kill in
# a running server end it by SIGSYS. The same call in an nbdkit without our plugin does not, which
# shows that the tool really makes it.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit nbdinfo qemu-img
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
[ "$(uname -m)" = x86_64 ] || skip "the tool knows x86-64 only"
head -c 64 /dev/urandom >"$WORK/key"
inject=$OUT/tests/system/inject

serve() {
	rm -f "$WORK/image.vhd"
	qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 4M
	vhd_serve "$WORK/image.vhd" "$WORK/key" 512
	vhd_ready
	nbdinfo "$URI" >/dev/null 2>&1 || fail "it does not serve: $(cat "$LOG")"
}

for call in openat:257 socket:41 connect:42 execve:59 ptrace:101 kill:62 rt_sigaction:13 open_by_handle_at:304; do
	serve
	"$inject" "$(nbdkit_pid)" "${call#*:}" >"$WORK/how" || fail "$call: $(cat "$WORK/how")"
	wait "$SERVE_PID" || true
	SERVE_PID=
done

serve
pid=$(nbdkit_pid)
for task in /proc/"$pid"/task/*; do
	grep -qx 'Seccomp:	2' "$task/status" || fail "thread ${task##*/} runs without the filter"
done
grep -qx 'CapEff:	0000000000000000' "/proc/$pid/status" || fail "capabilities stayed"
grep -qx 'NoNewPrivs:	1' "/proc/$pid/status" || fail "no_new_privs is not set"
! grep -qx 'Uid:	0	.*' "/proc/$pid/status" || fail "it runs as root"
[ "$(stat -c %U "/proc/$pid/mem")" = root ] || fail "its own uid may read its memory"
vhd_stop || fail "exit status $?: $(cat "$LOG")"

# control: without the filter, socket(2) is just a call
nbdkit --foreground -U "$WORK/control.sock" memory 1M 2>"$WORK/control.log" &
control=$!
lab_wait 5 nbdinfo "nbd+unix:///?socket=$WORK/control.sock" >/dev/null 2>&1 || fail "no control"
! "$inject" "$control" 41 >"$WORK/how" || fail "the tool kills by itself"
kill "$control" 2>/dev/null || true
wait "$control" 2>/dev/null || true
echo "eight forbidden calls kill it; a server without the filter survives the same"
