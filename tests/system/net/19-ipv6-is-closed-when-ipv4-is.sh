#!/usr/bin/env bash
# The LAN offers IPv6 with all it has, a router advertisement with a global prefix, a resolver and NAT64.
# The personal OS takes none of it and gets nothing out: global, unique local, link-local, multicast,
# NAT64, and tunnels of one in the other.
# case: 19
# title: IPv6 while IPv4 is blocked: RA, SLAAC, DHCPv6, NAT64, 6in4
# expect dom0: 0 frames; personal hears no RA
# expect guard: 0 frames; personal hears no RA
# expect split: 0 frames; personal hears no RA
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-ula-" 3
	case_personal "$FW_SEND" udp 2001:db8:7::1 9 "$1-global-" 3
	case_personal "$FW_SEND" udp 64:ff9b::cb00:710a 9 "$1-nat64-" 3
	case_personal "$FW_SEND" icmp $FW_LAN6 "$1-echo-" 3
	case_personal "$CASE_FORGE" bh0 own "$host0" ip4 100.64.0.2 $FW_LAN 41 0 - - "$1-6in4-" 3
	case_personal "$CASE_FORGE" bh0 own "$host0" ip6 fd62:756c:6b00::2 $FW_LAN6 4 - "$1-4in6-" 3
	case_personal "$CASE_FORGE" bh0 own "$host0" ip6 fe80::bad fe80::1 17 0009000900000000 "$1-link-" 3
	case_personal "$CASE_FORGE" bh0 own 33:33:00:00:00:01 ip6 fe80::bad ff02::1 17 0009000900000000 "$1-all-" 3
	case_personal "$CASE_FORGE" bh0 own 33:33:00:01:00:02 ip6 fe80::bad ff02::1:2 17 0222022300000000 "$1-dhcp6-" 3
	case_personal "$CASE_FORGE" bh0 own 33:33:00:00:00:02 ip6 fe80::bad ff02::2 58 8500000000000000 "$1-rs-" 3
}
ra=86000000400007080000000000000000030440c0000151800001518000000000
advert() { lab_in lan "$CASE_FORGE" w0 own 33:33:00:00:00:01 ip6 fe80::1 ff02::1 58 "${ra}20010db8000700000000000000000000" "$1-ad" 1; }

host0=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
ip -n lan addr add 2001:db8:7::1/64 dev w0 nodad
case_without lan tries ula global nat64 echo
case_with
ip netns attach personal $$
case_record bh0 personal bh0
mark=$(lab_token advert)
advert "$mark"
case_none lan tries ula global nat64 echo 6in4 4in6 link all dhcp6 rs
case_sync bh0
[ "$(lab_count bh0 "text:$mark")" = 0 ] || fail "the router advertisement came through"
! grep -q 2001:db8:7: <<<"$(ip -6 addr show)" || fail "personal configured itself"
fw_grant host0 open 0
case_some lan tries ula global nat64 echo
case_none lan tries 6in4 4in6 link all dhcp6 rs
case_end
