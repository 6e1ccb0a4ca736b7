#!/usr/bin/env bash
# A LAN that speaks IPv6 alone becomes foreign by its router's advertisement and our address in its
# prefix, and personal gets a page there. When the router announces another prefix the network is unknown
# first. A prefix of the company is suspect.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
advertise() { # advertise PREFIX - nothing else than routers' words on the home LAN
	lab_stop dnsmasq-home
	lab_start dnsmasq-home nsenter --net=/run/netns/home dnsmasq --keep-in-foreground \
		--log-facility=- --log-dhcp --conf-file=/dev/null --pid-file --no-resolv --no-hosts \
		--interface=br0 --bind-interfaces --except-interface=lo --enable-ra --ra-param=br0,10 \
		--dhcp-range="$1,ra-only,64" --dhcp-leasefile="$LAB/leases-home"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
ip -n home addr del 192.168.7.1/24 dev br0
advertise fd07::
laptop_start || fail "bulkheadd does not start"
lans_plug home
from=$(lab_ms)
lab_wait 60 laptop_zone_is foreign || fail "a network of IPv6 alone does not become foreign"
took=$(lab_since "$from")
lab_wait 15 personal_gets "http://[$LAN_SERVER6]/" || fail "personal gets no page"
echo "foreign after $took s, without DHCP"

seq=$(laptop_seq)
ip -n home addr add fd09::1/64 dev br0 nodad
ip -n home addr del fd07::1/64 dev br0
advertise fd09::
changed() { [[ $(laptop_zones "$seq") == unknown* ]]; }
lab_wait 40 changed || fail "another prefix is no event: $(laptop_zones "$seq")"
lab_wait 60 laptop_zone_is foreign || fail "not foreign again"
echo "another prefix: $(laptop_zones "$seq")"

ip -n home addr add fd77::1/64 dev br0 nodad
ip -n home addr del fd09::1/64 dev br0
advertise fd77::
lab_wait 40 laptop_zone_is suspect || fail "a prefix of the company is no sign"
! personal_gets "http://[$LAN_SERVER6]/" || fail "personal is open"
echo "foreign after $took s by a router alone; another prefix is unknown first, the company's suspect"
