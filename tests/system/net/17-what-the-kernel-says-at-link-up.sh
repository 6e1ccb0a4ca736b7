#!/usr/bin/env bash
# Links come up ten times, and with them what kernels say by themselves: MLD, DAD, solicitations, ARP.
# Those of the personal OS stay on bh0; on the LAN is the router's own, from the uplink's own MAC, and of
# the few kinds that the egress chain names.
# case: 17
# title: kernel-originated MLD, DAD, RS, ARP at link-up
# expect dom0: none of personal's; of the uplink only ARP, ND, MLD, IGMP (and DHCP)
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

flap() { # flap LINK [NAMESPACE] - ten times
	local n
	for ((n = 0; n < 10; n++)); do
		ip ${2:+-n $2} link set "$1" down
		ip ${2:+-n $2} link set "$1" up
	done
	ip ${2:+-n $2} addr replace "$addr6" dev "$1" nodad
	ip ${2:+-n $2} addr replace "$addr4" dev "$1"
	ping -q -c 1 -W 1 "${addr4%.*}.77" >/dev/null 2>&1 || true
}
mac() { ip ${2:+-n $2} -o link show "$1" | sed 's/.*ether \([^ ]*\).*/\1/'; }

# Without Bulkhead: the NIC is the host's, and says all of it.
mac=$(mac up0 bulkhead)
addr4=192.168.7.50/24 addr6=fd07::50/64
flap up0 bulkhead
enough() {
	CASE_HEARD=$(lab_count lan "mac:$mac")
	[ "$CASE_HEARD" -ge 4 ]
}
lab_wait 5 enough || fail "the sniffer hears only $CASE_HEARD frames"
fw_reset 2>/dev/null || { ip -n bulkhead addr flush dev up0; ip -n bulkhead link set up0 down; }
case_record lan lan w0
fw_with
personal=$(mac bh0)
addr4=100.64.0.2/30 addr6=fd62:756c:6b00::2/64
ip netns attach personal $$
case_record bh0 personal bh0
flap bh0
lab_wait 5 lab_seen bh0 "mac:$personal" || fail "bh0 says nothing"
for ((n = 0; n < 5; n++)); do
	ip -n lan link set w0 down
	ip -n lan link set w0 up
done
lab_wait 5 fw_carrier || fail "no carrier"
fw_pause 2
case_sync lan
kinds=$("$LAB_TOOLS/wire" kinds "$LAB/lan.pcap" "$mac")
[ "$(lab_count lan "mac:$personal")" = 0 ] || fail "frames of personal's MAC"
[ "$(lab_count lan ip:100.64.0.2 ip:fd62:756c:6b00::2 | sort -u)" = 0 ] || fail "frames of personal's addresses"
while read -r n kind; do
	case $kind in
	arp | icmp6-13[1235] | icmp6-136 | icmp6-143 | ip-2 | udp-68-67 | udp-546-547) ;;
	*) fail "the uplink says '$kind', $n times" ;;
	esac
done <<<"$kinds"
CASE_SENT=1
case_end "the uplink's own: $(xargs <<<"$kinds")"
