#!/usr/bin/env bash
# It ends when its table or an egress chain is gone, when the supervisor is, and when decide breaks the
# contract; it does not start under a wrong kernel switch. Started again it is closed. When decide is gone
# it closes, sees what others change meanwhile, and serves the successor.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

again() { # again WHAT ANSWER - the driver's process has ended with it
	[ "$FW_ANSWER" = "exited 1" ] || fail "$1: $FW_ANSWER"
	wait "$FW_CHILD" || true
	fw_with
	! fw_pings $FW_LAN || fail "$1: open after the start"
	fw_grant host0 open 0
	fw_pings $FW_LAN || fail "$1: no grant after the start"
}

fw_links
fw_with
fw_grant host0 open 0
lab_in bulkhead nft delete table inet bulkhead
fw_tell send
again "the table is gone"
lab_in bulkhead nft flush ruleset
fw_tell send
again "the ruleset was flushed"
lab_in bulkhead nft delete chain netdev bulkhead egress_0
fw_tell send
again "an egress chain is gone"
fw_tell broken
again "a broken message"
fw_tell end
again "the supervisor is gone"

is_closed() { ! grep -q host0 <<<"$(lab_in bulkhead nft list map inet bulkhead grant)"; }
for way in leave stay; do # the successor comes later, or before anybody saw the end
	[ $way = stay ] || fw_tell leave
	[ $way = stay ] || lab_wait 2 is_closed || fail "decide is gone, and its grant is there"
	fw_tell return
	lab_wait 2 is_closed || fail "$way: decide has a successor, and the grant is there"
	! fw_pings $FW_LAN || fail "$way: open without decide"
	fw_grant host0 open 0
	fw_pings $FW_LAN || fail "$way: no grant by the successor"
done
fw_tell leave
lab_wait 2 is_closed || fail "decide is gone, and its grant is there"
lab_in bulkhead nft add table inet other
lab_wait 5 grep -q "^tamper 1 by 'nft'" "$LAB/nft.log" || fail "without decide nobody watches the rules"
fw_tell end
wait "$FW_CHILD" || true
lab_in bulkhead nft delete table inet other
for switch in net.ipv4.conf.all.send_redirects=1 net.ipv4.ip_forward=0 net.ipv6.conf.up0.accept_ra=0; do
	lab_in bulkhead sysctl -qw $switch
	: >"$LAB/nft.log"
	fw_start
	[ "$FW_ANSWER" = "exited 1" ] && lab_wait 5 grep -q "check '/proc/sys/net/" "$LAB/nft.log" ||
		fail "it starts with $switch: $FW_ANSWER, $(<"$LAB/nft.log")"
	wait "$FW_CHILD" || true
	"$LAB_TOP/roles/bulkhead-netns" up
	"$LAB_TOP/roles/bulkhead-netns" uplink up0
done
fw_with
echo "five ways to end, three not to start"
