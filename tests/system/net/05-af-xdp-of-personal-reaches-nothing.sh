#!/usr/bin/env bash
# AF_XDP sends past every nftables hook of the link it is bound to. The personal OS has only bh0, and
# behind it stands a router: 0. Root in the namespace gets frames out of the uplink itself: that is
# what placement dom0 does not hold, and it is shown, so that nobody believes otherwise. A socket that
# stays is found within seconds: the uplink goes down, and it is told.
# case: 5
# title: AF_XDP transmit
# expect dom0: 0 frames from the host; root in the namespace is heard until the alarm: audit record, uplinks down
# expect guard: 0 frames
# expect split: 0 frames
# kernels: 6.1 6.18
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff
inside() { lab_in bulkhead "$FW_SEND" xdp up0 $all "$1-inside-" 5; }
tries() { case_personal "$FW_SEND" xdp bh0 $all "$1-bh0-" 5; }

case_without lan inside inside
case_record host0 bulkhead host0
case_with
case_none lan tries bh0
fw_grant host0 open 0
case_none lan tries bh0
case_some host0 tries bh0
fw_close
case_some lan inside inside # the limit of placement dom0, not a wish
lab_start hold ip netns exec bulkhead "$LAB_OUT/tests/system/xdp_hold" socket
FW_ANSWER=
told() { # (the audit record of it: tests/system/net-xdp-in-the-namespace-closes-and-is-told.sh)
	# as decide does every few seconds; once it ended, what it said may still be on its way
	[[ $FW_ANSWER == exited* ]] || fw_tell "pair host0 up0 open 1 1000" send
	grep -q "^tamper 5 by '' 0: 'a socket'" "$LAB/nft.log"
}
from=$(lab_ms)
lab_wait 10 told || fail "nobody is told of the socket"
took=$(lab_since "$from")
case_none lan inside inside
case_end "root in the namespace is heard (dom0), and found out after $took s"
