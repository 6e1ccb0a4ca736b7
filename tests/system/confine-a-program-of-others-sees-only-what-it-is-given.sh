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
is "descriptors" "0 1 2" 'cd /proc/$$/fd && echo [0-2]' # (a shell holds its own above)
is "environment" "" 'tr -d "\0" </proc/self/environ'
for path in /etc /usr /proc/sys/net/ipv4/ip_forward /run; do
	is "$path" no "[ -d $path ] && t=$path/x || t=$path; (echo 1 >\$t) 2>/dev/null && echo yes || echo no"
done
confined 'echo 1 >/run/own/x && echo 1 >/run/shown/x' || fail "it may not write where it should"
[ -e /run/shown/x ] && [ ! -e /run/own/x ] || fail "what it wrote is in the wrong place"
[ "$("$run" 0 - - 10 /bin/busybox sh -c 'id -u; grep CapEff /proc/self/status')" = "0
CapEff:	0000000000000400" ] || fail "as root it has more than it was given"

# sockets: 16 is AF_NETLINK (0 route, 12 netfilter), 44 is AF_XDP
ask='import socket, sys
try: socket.socket(int(sys.argv[1]), socket.SOCK_RAW, int(sys.argv[2])); print("made")
except OSError as e: print(e.errno)'
socket() { "$run" 64999 - - 12,13 /usr/bin/python3 -S -E -c "$ask" "$@"; }
[ "$(socket 16 0)" = made ] || fail "it gets no route socket"
[ "$(socket 16 12)" = 13 ] || fail "netfilter: $(socket 16 12)"
[ "$(socket 44 0)" = 13 ] || fail "AF_XDP: $(socket 44 0)"
echo "two capabilities, one folder, no rule"
