#!/usr/bin/env bash
# The table that grants is deleted while a flow runs: nothing marks its frames any more, and the egress
# chain lets only marked ones out. The other half deleted, the forward chain still closes.
# case: 12
# title: the dynamic table is deleted
# expect dom0: 0 frames, by root in the namespace; told, and both tables anew, closed
# expect guard: out of reach
# expect split: out of reach
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN 9 "$1-udp4-" 5
	case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-udp6-" 5
	case_personal "$FW_SEND" icmp $FW_LAN "$1-icmp-" 5
}

again() { # addresses went with the link, which nft took down
	ip -n bulkhead addr replace fd07::50/64 dev up0 nodad
	ip -n bulkhead -6 route replace default via $FW_LAN6
	ip -n bulkhead route replace default via $FW_LAN
}

case_without lan tries udp4 udp6 icmp
case_with
fw_grant host0 open 0
case_some lan tries udp4 udp6 icmp
lab_in bulkhead nft delete table inet bulkhead
case_none lan tries udp4 udp6 icmp
fw_tell send
[ "$FW_ANSWER" = "exited 1" ] || fail "nft did not notice: $FW_ANSWER"
wait "$FW_CHILD" || true
fw_with
again
case_none lan tries udp4 udp6 icmp
fw_grant host0 open 0
case_some lan tries udp4 udp6 icmp
fw_close
lab_in bulkhead nft delete table netdev bulkhead
case_none lan tries udp4 udp6 icmp
grep -q "^tamper" "$LAB/nft.log" || fail "nobody is told"
case_end "told; nft ended at once and its successor closed"
