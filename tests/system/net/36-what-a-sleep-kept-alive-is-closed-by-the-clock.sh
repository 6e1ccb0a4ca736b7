#!/usr/bin/env bash
# Asleep at home, awake at the company: jiffies stand still in between, so a grant's own timeout has
# seconds left. The wall clock does not stand still: past the bound that came with the grant nothing is
# dispatched. Here the bound passes while the grant lives on, as after a sleep; the cable is in another
# LAN by then.
# case: 36
# title: suspend at home, resume at the company
# expect dom0: 0 frames after the resume
# expect guard: 0 frames after the resume
# expect split: 0 frames after the resume
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN 9 "$1-udp4-" 3
	case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-udp6-" 3
	case_personal "$FW_SEND" icmp $FW_LAN "$1-echo-" 3
}
granted() { # does the element live on?
	[[ $(lab_in bulkhead nft list map inet bulkhead grant) == *"\"host0\" . \"up0\""* ]]
}

case_without lan tries udp4 udp6 echo
case_with
fw_tell none "pair host0 up0 open 0 10000" "bound 4" send
case_some lan tries udp4 udp6 echo
stream=$(lab_token flow)
lab_start flow "${CASE_AS[@]}" "$FW_SEND" udp $FW_LAN 9 "$stream" 2000
lab_wait 5 lab_seen lan "text:$stream" || fail "the flow does not start"
stands_still() {
	n=$(lab_count lan "text:$stream")
	lab_pause 0.5
	[ "$n" = "$(lab_count lan "text:$stream")" ]
}
lab_wait 15 stands_still || fail "the flow goes on beyond the bound"
granted || fail "the grant ended before the bound"
n=$(lab_count lan "text:$stream")
ip -n lan addr add 10.77.0.1/16 dev w0 # another LAN answers at the same place
case_none lan tries udp4 udp6 echo
[ "$n" = "$(lab_count lan "text:$stream")" ] || fail "a flow from before the sleep goes on"
granted || fail "the grant ended: this shows nothing"
case_end "the grant's own timeout had seconds left"
