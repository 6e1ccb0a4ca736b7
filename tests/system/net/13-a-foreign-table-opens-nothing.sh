#!/usr/bin/env bash
# Another program's table accepts everything before and after ours, at the host and, by root, in the
# namespace: a drop in any base chain is final.
# case: 13
# title: a foreign table with accept
# expect dom0: 0 frames, also with the table in the namespace, which is told and flushed
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN 9 "$1-udp4-" 5
	case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-udp6-" 5
	case_personal "$FW_SEND" packet bh0 ff:ff:ff:ff:ff:ff "$1-raw-" 5
}
accept() { # accept COMMAND... - accepts at every hook, and sets every mark that might open
	"$@" nft -f - <<-NFT
		table inet open {
			chain pre { type filter hook prerouting priority -400; policy accept; ct mark set 0x01000001 meta mark set 0x42480001 accept; }
			chain first { type filter hook forward priority -400; policy accept; accept; }
			chain last { type filter hook forward priority 400; policy accept; meta mark set 0x42480001 accept; }
			chain out { type filter hook output priority -400; policy accept; meta mark set 0x42480001 accept; }
		}
	NFT
}

case_without lan tries udp4 udp6
case_with
accept case_personal
case_none lan tries udp4 udp6 raw
accept lab_in bulkhead
case_none lan tries udp4 udp6 raw
fw_tell send
[ "$FW_ANSWER" = "exited 1" ] && grep -q "^tamper" "$LAB/nft.log" || fail "nobody is told: $FW_ANSWER"
wait "$FW_CHILD" || true
fw_with
ip -n bulkhead addr replace fd07::50/64 dev up0 nodad # it went with the link
ip -n bulkhead -6 route replace default via $FW_LAN6
ip -n bulkhead route replace default via $FW_LAN
! lab_in bulkhead nft list table inet open >/dev/null 2>&1 || fail "the foreign table is still there"
fw_grant host0 less 0
case_some lan tries udp4 udp6
case_end "accepted at four hooks, twice"
