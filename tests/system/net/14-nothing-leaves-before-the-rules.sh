#!/usr/bin/env bash
# Boot: the namespace is there and holds the NIC, nft is not yet. The personal OS sends all the time,
# the link stays down; nft brings it up behind its egress chain, and nothing has left by then or later.
# case: 14
# title: boot: packets before rules
# expect dom0: 0 frames of personal; from the uplink only the kernel's own ARP, ND and group reports
# expect guard: the same
# expect split: the same
# kernels: 6.1 6.18
# emulated: in make check
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN 9 "$1-udp4-" 5
	case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-udp6-" 5
	case_personal "$FW_SEND" icmp $FW_LAN "$1-icmp-" 5
	case_personal "$FW_SEND" packet bh0 ff:ff:ff:ff:ff:ff "$1-raw-" 5
}

case_without lan tries udp4 udp6 icmp
fw_reset
lab_record lan lan w0
early=$(lab_token early)
tries "$early" >/dev/null
[ "$(lab_in bulkhead cat /sys/class/net/up0/flags 2>/dev/null || ip -n bulkhead -o link show up0 | grep -c '[<,]UP[,>]' || true)" = 0 ] ||
	fail "the uplink is up before its chain"
token=$(lab_token stream)
lab_start stream "${CASE_AS[@]}" "$FW_SEND" udp $FW_LAN 9 "$token" 1000
fw_with
case_none lan tries udp4 udp6 icmp raw
n=$(lab_count lan "text:$early" "text:$token" | sort -u)
[ "$n" = 0 ] || fail "personal is on the wire: $n"
fw_grant host0 open 0
case_some lan tries udp4 udp6 icmp
case_end "$(lab_count lan all) frames in all at the start"
