#!/usr/bin/env bash
# What the kernel says by itself on an uplink is of few kinds and slow, whoever makes it speak: a port that
# asks for three hundred neighbours gets a hundred a second asked for, in ARP and in ND; of group reports there
# are ten a second. A snooping switch that asks who listens gets its answer, so neighbour discovery goes on.
# limit: 180 s
# alone: the kernel has one table of neighbours for all namespaces
# holds: egress_ local_ input_uplink
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

# What the limit lets through at most: its burst, and its rate times the time between first and last frame;
# and half as much again, for what the LAN says and for a machine that counts late. Unlimited it is three times.
slow() { # slow WHAT HEX RATE BURST LEAST
	local frames most
	read -r frames most < <("$LAB_TOOLS/wire" times "$LAB/lan.pcap" "hex:$2" |
		awk -v r="$3" -v b="$4" 'NR == 1 { f = $1 } { l = $1 } END { print NR, int(1.5 * (b + r * (l - f))) }')
	[ "$frames" -ge "$5" ] || fail "$1: only $frames frames; they are not what limits it"
	[ "$frames" -le "$most" ] || fail "$1: $frames frames where $most are allowed"
	said+=" $1 $frames"
}
groups() { # groups add|del - 150 of each family
	local n
	for n in {1..150}; do
		echo "addr $1 239.7.7.$n/32 dev up0 autojoin"
		echo "addr $1 ff15::$n/128 dev up0 autojoin"
	done | ip -n bulkhead -batch -
}
joined() { lab_in bulkhead sysctl -qw "$@"; }
listed() { bridge -n lan mdb show dev br0 | grep -q "port w0 grp ff02::1:ff00:50 "; }

fw_links
# a switch that snoops, and asks
ip -n lan link add br0 type bridge mcast_snooping 1 mcast_query_response_interval 100
ip -n lan addr flush dev w0
ip -n lan link set w0 master br0
ip -n lan link set br0 up
ip -n lan addr add $FW_LAN/24 dev br0
ip -n lan addr add $FW_LAN6/64 dev br0 nodad
fw_with
lab_record lan lan w0
fw_grant host0 open 0 9000
said=
ip -n bulkhead addr add 10.50.0.1/16 dev up0
ip -n bulkhead addr add fd50::1/64 dev up0 nodad
# (few enough for the kernel's one table of neighbours, which all namespaces share)
"$FW_FORGE" spread 10.50.1.0 9 300 >/dev/null
"$FW_FORGE" spread fd50::1:0 9 300 >/dev/null
fw_pause 2
slow ARP 08060001080006040001 100 100 50
slow ND 3aff 100 100 50

joined net.ipv4.igmp_max_memberships=1000 net.ipv4.conf.up0.force_igmp_version=2 net.ipv6.conf.up0.force_mld_version=1 \
	net.ipv4.conf.up0.igmpv2_unsolicited_report_interval=10 net.ipv6.conf.up0.mldv1_unsolicited_report_interval=10
groups add
fw_pause 1
slow MLD 3a0005020000010083 10 20 10
slow IGMP 9404000016 10 20 10
groups del
joined net.ipv6.conf.up0.force_mld_version=0

# forgets who listens; asks; knows again
ip -n lan link set br0 type bridge mcast_snooping 0
ip -n lan link set br0 type bridge mcast_snooping 1
! listed || fail "the switch did not forget"
fw_pause 3 # the burst is there again
ip -n lan link set br0 type bridge mcast_querier 1
lab_wait 15 listed || fail "asked who listens, the uplink does not say: $(bridge -n lan mdb show dev br0)"
fw_pings $FW_LAN6 || fail "granted, ping does not pass"
echo "in their time:$said; the switch knows the uplink again"
