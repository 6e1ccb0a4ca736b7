#!/usr/bin/env bash
# A travel router stands between the laptop and the company's LAN and hides it behind NAT. What such boxes
# pass on, the suffix or the resolver, is a sign: suspect, closed. One that passes on nothing looks like
# any home: no announcement crosses a router. Then personal is let out, and the company's prefixes are
# still closed to it: no frame for them reaches the LAN. What goes past the company's LAN to the internet
# is that box's, and SECURITY.md's limit.
# case: 29
# title: the company reached through a home NAT or travel router
# expect dom0: suspect when the box passes on a sign; else 0 frames to the company's prefixes
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

company="near near6 dns"
box() { # box DOMAIN [DNSMASQ-OPTION...] - the home LAN's router has its uplink in the company's LAN
	local domain=$1
	shift
	lab_stop dnsmasq-home
	lab_start dnsmasq-home nsenter --net=/run/netns/home dnsmasq --keep-in-foreground --log-facility=- \
		--conf-file=/dev/null --pid-file --no-resolv --no-hosts --interface=br0 --bind-interfaces \
		--except-interface=lo ${domain:+--domain=$domain} --dhcp-authoritative --dhcp-leasefile="$LAB/leases-box" \
		--dhcp-range=192.168.7.100,192.168.7.199,255.255.255.0,2m --dhcp-option=option:router,192.168.7.1 "$@"
	lans_plug home
}

ip -n home link add wan0 type veth peer name box netns corp
ip -n corp link set box master br0
ip -n corp link set box up
ip -n home addr add 10.77.0.77/16 dev wan0
ip -n home addr add fd77::77/64 dev wan0 nodad
ip -n home link set wan0 up
lab_in home nft 'table inet box { chain n { type nat hook postrouting priority srcnat; oifname "wan0" masquerade; }; }'
case_plain home
case_record wan corp box
case_without wan case_tries $company
case_clean
case_laptop

box corp.example
case_zone suspect
case_none wan case_tries $company
box "" --dhcp-option=option:dns-server,10.77.0.1
case_zone suspect
case_none wan case_tries $company
! case_audited '.kind == "zone" and (.to == "proven" or .to == "foreign")' || fail "it opened beside a sign"
box ""
case_zone foreign
case_open
case_none wan case_tries $company
case_none home case_tries $company
case_audited '.kind == "zone" and .to == "foreign" and (.proof // "" | startswith("no sign"))' ||
	fail "nobody recorded on what word it opened"
case_end "with a sign: suspect, twice; without: foreign, the company's prefixes closed"
