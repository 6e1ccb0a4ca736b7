#!/usr/bin/env bash
# A hostile LAN's DHCP server (dnsmasq) hands out routes more specific than the default, by options 121
# and 33: for half of the internet each, for the company's networks, for its VPN (CVE-2024-3661, TunnelVision). A
# plain client takes them; netguard's takes none. Personal gets its page by the network's router, and no frame
# of personal or work goes to the machine that wanted them.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/attacks.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

fail() {
	echo "$1; zone $(laptop_zone), routes: $(ip -n bulkhead route), log: $(tail -n 3 "$LAB/bulkheadd.log")"
	exit 1
}
THIEF=192.168.7.66
ROUTES=0.0.0.0/1,$THIEF,128.0.0.0/1,$THIEF,10.77.0.0/16,$THIEF,203.0.113.0/24,$THIEF
stolen() { # stolen NAMESPACE - how many routes lead to the thief
	ip -n "$1" route show table all | grep -c "via $THIEF"
}
given() { grep -c 'sent size: .*option:121' "$LAB/dnsmasq-home.log"; }
sends() { # sends TOKEN - personal and work, to the internet, the company, the VPN
	local to
	for to in $LAN_SERVER 10.77.0.1 203.0.113.5; do
		"$LAB_TOOLS/send" udp "$to" 9 "$1-personal-" 3
		lab_in work "$LAB_TOOLS/send" udp "$to" 9 "$1-work-" 3
	done >/dev/null 2>&1
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
lab_stop dnsmasq-home
lab_start dnsmasq-home nsenter --net=/run/netns/home dnsmasq --keep-in-foreground --log-facility=- --log-dhcp \
	--conf-file=/dev/null --pid-file --no-resolv --no-hosts --interface=br0 --bind-interfaces --except-interface=lo \
	--domain=lan --dhcp-range=192.168.7.100,192.168.7.199,255.255.255.0,2m --dhcp-leasefile="$LAB/leases-121" \
	--dhcp-option=option:router,192.168.7.1 --dhcp-authoritative --dhcp-option-force="121,$ROUTES" \
	--dhcp-option-force=33,203.0.113.10,$THIEF
lab_ns thief victim
ip -n home link add to-thief type veth peer name t0 netns thief
ip -n thief addr add $THIEF/24 dev t0
ip -n thief link set t0 up
ip -n home link add to-victim type veth peer name v0 netns victim
for link in to-thief to-victim; do
	ip -n home link set $link master br0
	ip -n home link set $link up
done
lab_record thief thief t0

# A plain client believes it, and what it sends to the internet is the thief's.
token=$(lab_token plain)
echo 'option classless_static_routes, static_routes, routers' >"$LAB/plain.conf"
lab_start plain nsenter --net=/run/netns/victim dhcpcd -B -4 -f "$LAB/plain.conf" v0
lab_wait 30 eval '[ "$(stolen victim)" -gt 3 ]' || fail "a plain client takes no route: $(ip -n victim route)"
plain=$(stolen victim)
lab_in victim "$LAB_TOOLS/send" udp 203.0.113.77 9 "$token" 3 >/dev/null
lab_wait 10 lab_seen thief "text:$token" || fail "the thief does not hear a plain client"
lab_stop plain

before=$(given)
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug home
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 15 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page"
[ "$(given)" -gt "$before" ] || fail "no lease with option 121 was given"
[ "$(stolen bulkhead)" = 0 ] || fail "netguard took a route of the LAN"
token=$(lab_token with)
sends "$token"
lab_wait 10 lab_seen home "text:$token-personal-" || fail "personal does not reach the internet by its router"
lab_in home ping -q -c 1 -W 2 $THIEF >/dev/null || fail "the thief is gone" # and what came before it is captured
for who in personal work; do
	n=$(lab_count thief "text:$token-$who-")
	[ "$n" = 0 ] || fail "$n frames of $who went to the thief"
done
echo "a plain client took $plain routes; netguard none, and the thief heard nothing"
