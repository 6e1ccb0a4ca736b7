#!/usr/bin/env bash
# What the supervisor runs that is not ours sees no file of this machine but programs and libraries,
# writes only into the folder it is given, keeps exactly the capabilities named, and makes no socket that
# could touch a rule or pass by them.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
lab_enter "$@"

fail() { echo "$1"; exit 1; }
run="$LAB_OUT/tests/system/confine_run"
confined() { # confined SCRIPT - as uid 64999, with NET_ADMIN and NET_RAW
	"$run" 64999 /run/own /run/shown 12,13 /bin/busybox sh -c "$1"
}
is() { # is WHAT EXPECTED SCRIPT
	local have
	have=$(confined "$3" 2>&1) || true
	[ "$have" = "$2" ] || fail "$1: '$have', not '$2'"
}

mkdir -p /run/shown /etc/bulkhead
chown 64999 /run/shown
echo secret >/etc/bulkhead/trust.yaml
echo here >/run/shown/file
is "uid" 64999 'id -u'
is "capabilities" "0000000000003000 0000000000003000" \
	'echo $(sed -n "s/^Cap\(Eff\|Bnd\):.//p" /proc/self/status)'
is "privileges" "1 2" 'echo $(sed -n "s/^\(NoNewPrivs\|Seccomp\):.//p" /proc/self/status)'
is "/etc" mark 'ls /etc'
is "its file" confined 'cat /etc/mark'
is "/run" "own shown" 'echo $(ls /run)'
is "what is shown" here 'cat /run/shown/file'
is "processes" "1 2" 'cd /proc && echo [0-9]*' # itself and the first; no word of others
[ "$("$run" 64999 - - 12 /bin/busybox ls /proc/self/fd 7</dev/null | xargs)" = "0 1 2 3" ] || # (ls holds the folder)
	fail "it holds a descriptor of others"
[ -z "$(WORD=secret "$run" 64999 - - 12 /usr/bin/env)" ] || fail "it has an environment"
for path in /etc /usr /proc/sys/net/ipv4/ip_forward /run; do
	is "$path" no "[ -d $path ] && t=$path/x || t=$path; (echo 1 >\$t) 2>/dev/null && echo yes || echo no"
done
confined 'echo 1 >/run/own/x && echo 1 >/run/shown/x' || fail "it may not write where it should"
[ -e /run/shown/x ] && [ ! -e /run/own/x ] || fail "what it wrote is in the wrong place"
[ "$("$run" 0 - - 10 /bin/busybox sh -c 'id -u; grep CapEff /proc/self/status')" = "0
CapEff:	0000000000000400" ] || fail "as root it has more than it was given"

groups=$(setpriv --groups 4,27 "$run" 64999 - - 12 /usr/bin/id -G)
[ "$groups" = 64999 ] || fail "it is in groups $groups"
[ "$(umask 077; confined 'echo $(stat -c %a /run/own /etc/mark)')" = "755 444" ] || fail "the umask decides who may read"
is "blocked signals" 0000000000000000 'sed -n "s/^SigBlk:.//p" /proc/self/status'

# what is hidden, how, and from root too; what is mounted inside does not come out
secret=$(mktemp /tmp/secret.XXXXXX)
trap 'rm -f "$secret"' EXIT
for path in /home /root /mnt; do mount -t tmpfs lab $path && echo secret >$path/secret; done
mkdir -p /var/lib/secret
mount --make-rshared /
as_root() { "$run" 0 - - 1 /bin/busybox sh -c "$1" 2>&1; } # with CAP_DAC_OVERRIDE
[ -z "$(as_root 'ls /home /root /tmp /var/lib' | grep -v ':$' | xargs)" ] || fail "it sees $(as_root 'ls /home /root /tmp /var/lib')"
[[ $(as_root 'echo 1 >/mnt/x') == *"Read-only"* ]] && [[ $(as_root 'echo 1 >/boot/x') == *"Read-only"* ]] ||
	fail "root inside may write: $(as_root 'echo 1 >/mnt/x')"
[ -e /home/secret ] && [ -e /run/shown/file ] || fail "what it hides is hidden outside, too"
options=$(as_root 'cat /proc/self/mountinfo' | awk '$5 ~ "^/(run|tmp|var/lib|home|root|etc|proc)$" { o[$5] = $6 }
	END { for (m in o) if (o[m] !~ /nosuid/ || o[m] !~ /nodev/ || o[m] !~ /noexec/) print m, o[m] }')
[ -z "$options" ] || fail "a folder may hold programs or devices: $options"

# those who wait for it have no privilege, and nobody outlives them
inside() { pgrep -x -f '/bin/busybox sleep 987' | head -n 1; }
started() { [ -n "$(inside)" ]; }
ended() { ! started; }
for signal in KILL TERM; do
	"$run" 64999 - - 12 /bin/busybox sleep 987 &
	outer=$!
	disown
	lab_wait 5 started || fail "it does not start"
	for pid in $outer $(pgrep -P $outer); do
		have=$(sed -n 's/^\(CapEff\|CapPrm\|NoNewPrivs\):.//p' "/proc/$pid/status" | xargs)
		[ "$have" = "0000000000000000 0000000000000000 1" ] || fail "who waits for it has $have"
	done
	kill -$signal $outer
	lab_wait 5 ended || fail "it outlives a $signal of its parent"
done

# sockets: 16 is AF_NETLINK (0 route, 12 netfilter), 44 is AF_XDP
ask='import socket, sys
try: socket.socket(int(sys.argv[1]), socket.SOCK_RAW, int(sys.argv[2])); print("made")
except OSError as e: print(e.errno)'
socket() { "$run" 64999 - - 12,13 /usr/bin/python3 -S -E -c "$ask" "$@"; }
[ "$(socket 16 0)" = made ] || fail "it gets no route socket"
[ "$(socket 16 12)" = 13 ] || fail "netfilter: $(socket 16 12)"
[ "$(socket 44 0)" = 13 ] || fail "AF_XDP: $(socket 44 0)"
# calls by another table than the filter's, and rings that make sockets by themselves
raw='import ctypes, sys
print(ctypes.CDLL(None, use_errno=True).syscall(int(sys.argv[1]), 8, None), ctypes.get_errno())'
call() { "$run" 64999 - - 12,13 /usr/bin/python3 -S -E -c "$raw" "$@" 2>/dev/null || true; }
if /usr/bin/python3 -S -E -c "import ctypes" 2>/dev/null && [ "$(uname -m)" = x86_64 ]; then
	[ "$(call 39)" != "" ] || fail "it makes no system call"
	[ "$(call 425)" = "-1 38" ] || fail "io_uring: $(call 425)"
	[ -z "$(call $((0x40000000 + 39)))" ] || fail "a call of the x32 table returns"
fi
echo "two capabilities, one folder, no rule"
