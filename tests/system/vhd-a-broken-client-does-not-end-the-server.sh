#!/usr/bin/env bash
# Garbage instead of a handshake, a request beyond the disk, clients killed in the middle, eight at
# once and none beside them, hundreds that are silent, another uid on the socket: the server stays,
# serves on, and its log has a line.
cd "$(dirname "$0")/../.." || exit 1
. tests/system/vhd.bash
need nbdkit nbdinfo nbdcopy qemu-img qemu-io perl setpriv strace
[ "$(id -u)" = 0 ] || skip "needs root to drop privileges"
head -c 64 /dev/urandom >"$WORK/key"
qemu-img create -q -f vpc -o subformat=dynamic,force_size=on "$WORK/image.vhd" 64M
serve() {
	vhd_serve "$WORK/image.vhd" "$WORK/key" 512
	vhd_ready
	chmod 600 "$WORK/nbd.sock"
}
serve
alive() { lab_wait 5 nbdinfo "$URI" >/dev/null 2>&1 || fail "$1: $(cat "$LOG")"; }
alive "it does not serve"

say() { # say PERL-STRING - after the greeting, these bytes; then read until the end
	perl -MIO::Socket::UNIX -e '
		alarm 5;
		my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "connect: $!";
		sysread $s, my $hello, 18;
		syswrite $s, eval qq("$ARGV[1]"); shutdown $s, 1;
		1 while sysread $s, my $rest, 65536;' "$WORK/nbd.sock" "$1" || fail "client: $?"
}
say '\xff' # a torn flags field
say '\0\0\0\x7f' # unknown flags
say '\0\0\0\3NOTANOPTION-NOTANOPTION'
say '\0\0\0\3IHAVEOPT\0\0\0\7\xff\xff\xff\xf0' # an option of four gigabytes
# NBD_OPT_EXPORT_NAME "", then requests: wrong magic; 4 GiB at the last byte; unknown command
say '\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0\0XXXXXXXXXXXXXXXXXXXXXXXXXXXX'
say '\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0\0\x25\x60\x95\x13\0\0\0\0AAAAAAAA\0\0\0\0\3\xff\xff\xff\xff\xff\xff\xff'
say '\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0\0\x25\x60\x95\x13\0\0\0\x63AAAAAAAA\0\0\0\0\0\0\0\0\0\0\2\0'
say '\0\0\0\3IHAVEOPT\0\0\0\1\0\0\0\0\x25\x60\x95\x13\0\0\0\1AAAAAAAA\xff\xff\xff\xff\xff\xff\xfe\0\0\0\2\0'
alive "after garbage"
grep -q 'error' "$LOG" || fail "the log says nothing of it"

head -c 60M /dev/urandom >"$WORK/source"
for n in 3 10 30; do # each of its threads sends a hundred times and more
	status=0
	{
		strace -f -qq -e signal=none -o /dev/null -e trace=sendto -e inject=sendto:signal=KILL:when=$n \
			-- nbdcopy "$WORK/source" "$URI" >"$WORK/client" || status=$?
	} 2>>"$WORK/client"
	[ $status = 137 ] || fail "a client is not killed at send $n: $status: $(cat "$WORK/client")"
done
if ! lab_wait 5 nbdinfo "$URI" >/dev/null 2>&1 && vhd_excused; then
	vhd_stop || true
	serve
fi
alive "after killed clients"
io() { # io N - a client of its own
	qemu-io -f raw -c "write -f -P $1 ${1}M 1M" -c "read -P $1 ${1}M 1M" "$URI" >"$WORK/io.$1" 2>&1 &&
		! grep -qE 'failed|error' "$WORK/io.$1"
}
pids=()
for i in $(seq 8); do
	lab_wait 10 io "$i" & # those before may not be quite gone
	pids+=($!)
done
for i in $(seq 8); do
	wait "${pids[i - 1]}" || fail "client $i of eight: $(cat "$WORK/io.$i")"
done
alive "after eight"
# a crowd of CROWD (150) that never speak, idle ones as many as may be, and one that works
PATH=/usr/bin:$PATH timeout 60 python3 tests/system/vhd_client.py crowd "$WORK/nbd.sock" "${CROWD:-150}" 8 \
	>"$WORK/client" 2>&1 || fail "in a crowd: $(tail -n 2 "$WORK/client")"
grep -q 'too many clients' "$LOG" || fail "the log says nothing of those who were refused"
alive "after a crowd"
! setpriv --reuid 61999 --regid 61999 --clear-groups nbdinfo "$URI" >/dev/null 2>&1 ||
	fail "another uid was served"
vhd_stop || fail "exit status $?: $(cat "$LOG")"
echo "garbage, disconnects, a crowd and a stranger did not end it"
