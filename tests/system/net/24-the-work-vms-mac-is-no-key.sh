#!/usr/bin/env bash
# The personal OS takes the work VM's MAC, and its address too. There is no forwarding table to fool:
# nothing of it leaves under work's grant, and what is for the work VM still goes there alone.
# case: 24
# title: personal spoofs the work VM's MAC
# expect dom0: 0 frames; the work VM keeps its traffic
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

mac_of() { ip -n "$1" -o link show "$2" | sed 's/.*ether \([^ ]*\).*/\1/'; }
work=$(mac_of work eth0) host0=$(mac_of bulkhead host0) up0=$(mac_of bulkhead up0) vif=$(mac_of bulkhead vif1.0)
ports=0009000900000000
tries() {
	local to
	for to in "$host0:host0" "$vif:vif" "$up0:up0" ff:ff:ff:ff:ff:ff:all; do
		case_personal "$CASE_FORGE" bh0 "$work" "${to%:*}" ip4 100.64.0.6 $FW_LAN 17 0 - $ports "$1-work-${to##*:}-" 2
		case_personal "$CASE_FORGE" bh0 "$work" "${to%:*}" ip6 fd62:756c:6b00:1::2 $FW_LAN6 17 $ports "$1-six-${to##*:}-" 2
		case_personal "$CASE_FORGE" bh0 "$work" "${to%:*}" ip4 100.64.0.2 $FW_LAN 17 0 - $ports "$1-own-${to##*:}-" 2
	done
}
kinds=
for to in host0 vif up0 all; do kinds+=" work-$to six-$to own-$to"; done

case_without lan tries work-host0 six-host0 own-host0
case_with
fw_tell none "pair vif1.0 up0 open 1 5000" hold
# shellcheck disable=SC2086 # words
case_none lan tries $kinds
ip link set bh0 down && ip link set bh0 address "$work" && ip link set bh0 up
ip -6 addr replace fd62:756c:6b00:0::2/64 dev bh0 nodad
ip route replace default via 100.64.0.1 dev bh0
ip netns attach personal $$
case_record bh0 personal bh0
# shellcheck disable=SC2086
case_none lan tries $kinds
answered=$(lab_token answered)
lab_start echo nsenter --net=/run/netns/lan "$FW_FORGE" echo 9
lab_wait 3 fw_listens udp 9 || fail "the echo server does not start"
case_record work work eth0
lab_in work "$FW_SEND" udp $FW_LAN 9 "$answered" 3 >/dev/null
# (one that comes when nobody listens any more is refused, which quotes it)
both() { [ "$(lab_count work "text:$answered")" -ge 6 ]; }
lab_wait 5 both || fail "the work VM's answers: $(lab_count work "text:$answered") frames, not 6"
case_sync bh0
[ "$(lab_count bh0 "text:$answered")" = 0 ] || fail "an answer for the work VM came to personal"
case_end "the work VM kept its answers"
