#!/usr/bin/env bash
# A LAN asks by ARP and by neighbour solicitation for the addresses behind the router: the ports', their
# clients', another uplink's and one of a tunnel. Only the uplink's own address is answered, with the
# uplink's own MAC.
# case: 39
# title: ARP for an internal or tunnel address answered on another NIC
# expect dom0: no reply
# expect guard: no reply
# expect split: no reply
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

asked4="up0:192.168.7.50 port:100.64.0.1 client:100.64.0.2 work:100.64.0.6 gate:100.64.0.5 second:192.168.9.50 tunnel:10.99.0.2"
asked6="port6:fd62:756c:6b00::1 client6:fd62:756c:6b00::2 second6:fd09::50"
replies() { # the addresses that are answered for, sorted
	local a hex
	ip -n lan neigh flush all
	for a in $asked4; do
		ip -n lan route replace "${a#*:}/32" dev w0 src 192.168.7.1
		lab_in lan ping -q -c 1 -W 1 "${a#*:}" >/dev/null 2>&1 &
	done
	for a in $asked6; do
		ip -n lan -6 route replace "${a#*:}/128" dev w0
		lab_in lan ping -q -c 1 -W 1 "${a#*:}" >/dev/null 2>&1 &
	done
	wait $(jobs -p | grep -v "^${FW_CHILD-}$") || true
	for a in $asked4 $asked6; do
		! grep -q lladdr <<<"$(ip -n lan neigh show "${a#*:}" dev w0)" || echo "${a%%:*}"
	done
}
second() { # another uplink, and a tunnel
	ip -n bulkhead link add up1 type veth peer name w1 netns work
	ip -n bulkhead addr add 192.168.9.50/24 dev up1
	ip -n bulkhead addr add fd09::50/64 dev up1 nodad
	ip -n bulkhead addr add 10.99.0.2/32 dev lo
	ip -n bulkhead link set up1 up
	ip -n work link set w1 up
}

second
fw_without
# What a kernel does by itself, as it is on a machine without Bulkhead.
lab_in bulkhead sysctl -qw net.ipv4.conf.all.arp_ignore=0
lab_in bulkhead sysctl -qw net.ipv6.conf.all.proxy_ndp=1
for a in $asked6; do ip -n bulkhead -6 neigh add proxy "${a#*:}" dev up0; done
without=$(replies | xargs)
[ "$(wc -w <<<"$without")" -ge 5 ] || fail "without Bulkhead only these are answered: $without"
CASE_HEARD=$(wc -w <<<"$without")
for a in $asked6; do ip -n bulkhead -6 neigh del proxy "${a#*:}" dev up0; done
"$LAB_TOP/roles/bulkhead-netns" up
"$LAB_TOP/roles/bulkhead-netns" uplink up0
fw_reset
fw_with
with=$(replies | xargs)
[ "$with" = up0 ] || fail "answered: $with"
fw_grant host0 open 0
with=$(replies | xargs)
[ "$with" = up0 ] || fail "answered under a grant: $with"
CASE_SENT=$(($(wc -w <<<"$asked4 $asked6") - 1))
case_end "without: $without; with: $with, its own"
