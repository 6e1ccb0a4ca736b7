#!/bin/bash
# attach checks who speaks NBD, and what about, before the kernel sees the socket; and it ends itself
# when decide breaks the contract. (What the kernel then does with a good one is tests/xen's.)
set -uo pipefail
cd "$(dirname "$0")/../.."
. tests/lab/lab.sh
lab_enter "$@"
command -v nbdkit > /dev/null || lab_skip "nbdkit is not installed"
[ ! -e /sys/module/nbd ] || lab_skip "nbd.ko is loaded: this test must not use real devices"

bad=0
expect() { # expect ANSWER WHAT ARGUMENT...
	local answer=$1 what=$2 said
	shift 2
	said=$("$LAB_OUT/tests/system/attach_driver" "$LAB_OUT/bulkhead-attach" "$@" 2> "$LAB/attach.log")
	if [ "$said" = "$answer" ]; then
		echo "$what: $said"
	else
		echo "$what: '$said' instead of '$answer': $(cat "$LAB/attach.log")"
		bad=1
	fi
}

lab_start nbdkit nbdkit --foreground -U "$LAB/nbd.sock" memory 1M
lab_wait 5 test -S "$LAB/nbd.sock" || exit 1

# The handshake is done, the size is right; only nbd.ko is missing.
expect "error ENODEV" "a good disk where nbd.ko is missing" connect 1048576 "$LAB/nbd.sock"
expect "error EBADMSG" "a disk of another size than its lease's" connect 1048064 "$LAB/nbd.sock"
expect "error EPROTOTYPE" "a socket that could lead to another machine" connect 1048576 tcp
expect "error ENODEV" "disconnect where nbd.ko is missing" disconnect 3
expect "ended 1" "an order without its descriptor" bare
expect "ended 1" "an order of another length" short
expect "ended 1" "an order with flags that no export has" wild "$LAB/nbd.sock"
expect "ended 1" "an order for a name without an end" endless "$LAB/nbd.sock"
expect "error ETIMEDOUT" "a server that says nothing" connect 1048576 silent
exit $bad
