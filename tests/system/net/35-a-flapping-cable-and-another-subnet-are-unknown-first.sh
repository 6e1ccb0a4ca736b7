#!/usr/bin/env bash
# The cable goes from home to the company's LAN and flaps there a hundred times, twenty times a second,
# while personal streams: no frame of it is heard there, and the log has no more zone changes than
# seconds, but for the first three. What was heard there is not held against home. There the DHCP server
# then moves the lease to another subnet while the carrier stays: unknown first, and foreign only after
# a whole window.
# case: 35
# title: link flap 100x, and a DHCP renewal into another subnet with the carrier kept
# expect dom0: UNKNOWN first, 0 frames
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 300 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

seconds_between() { # seconds_between SEQ - from the first to the last zone change after it
	laptop_audit "[.[] | select(.kind == \"zone\" and .seq > $1)] |
		[(.[0].t, last.t) | sub(\"[.][0-9]+Z\"; \"Z\") | fromdate] | .[1] - .[0]"
}

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
stamps_hear corp && stamps_hear home || fail "no counting sniffer"
case_laptop
lans_plug home
case_zone foreign
case_open
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 2000
lab_wait 10 stamps_hears home 100 || fail "the stream is not heard at home"

seq=$(laptop_seq)
lans_plug corp
[ ! -x "$LAB_TOP/out/peers/usr/sbin/lldpd" ] || lans_switch || fail "no switch"
from=$(lab_ms)
for _ in {1..100}; do
	ip -n corp link set cable down
	lab_pause 0.01
	ip -n corp link set cable up
	lab_pause 0.03
done
took=$(($(lab_ms) - from))
case_zone suspect
changes=$(laptop_audit "[.[] | select(.kind == \"zone\" and .seq > $seq)] | length")
span=$(seconds_between "$seq")
[ "$changes" -le $((span + 3)) ] || fail "$changes zone changes in $span s: $(laptop_zones "$seq")"
lab_pause 1
[ "$(stamps_heard corp)" = 0 ] || fail "$(stamps_heard corp) frames of the stream at the company"
case_none corp case_tries $CASE_KINDS
echo "100 flaps in $took ms: $changes zone changes in $span s"

# what a switch repeats until the cable is pulled is said of that link, not of the one that a hand
# finds a second later
switch=88cc0207040200000000010405056574683006020078
lab_in corp "$CASE_FORGE" cable own 01:80:c2:00:00:0e frame ${switch}0000 "$(lab_token repeat)" 50 >/dev/null
lans_unplug
lab_pause 1
lans_plug home
case_zone foreign
lab_stop dnsmasq-home
ip -n home addr add 192.168.9.1/24 dev br0
# RFC 2132 9.11: renew after 5 s
lab_start dnsmasq-home nsenter --net=/run/netns/home dnsmasq --keep-in-foreground \
	--log-facility=- --log-dhcp --conf-file=/dev/null --pid-file --no-resolv --no-hosts \
	--interface=br0 --bind-interfaces --except-interface=lo --domain=lan --dhcp-authoritative \
	--dhcp-range=192.168.7.100,192.168.7.199,255.255.255.0,2m --dhcp-leasefile="$LAB/leases-home" \
	--dhcp-option=option:router,192.168.7.1 --dhcp-option-force=58,5 --dhcp-option-force=59,60
lans_plug home # a lease from it, with its short time
case_zone foreign
acked() { [ "$(grep -c DHCPACK "$LAB/dnsmasq-home.log")" -gt "$1" ]; }
acks=$(grep -c DHCPACK "$LAB/dnsmasq-home.log")
lab_wait 20 acked "$acks" || fail "nobody renews"
[ "$(laptop_zone)" = foreign ] || fail "a renewal of the same lease is an event"
seq=$(laptop_seq)
ip -n home addr del 192.168.7.1/24 dev br0
lab_stop dnsmasq-home
lab_start dnsmasq-home nsenter --net=/run/netns/home dnsmasq --keep-in-foreground \
	--log-facility=- --log-dhcp --conf-file=/dev/null --pid-file --no-resolv --no-hosts \
	--interface=br0 --bind-interfaces --except-interface=lo --domain=lan --dhcp-authoritative \
	--dhcp-range=192.168.9.100,192.168.9.199,255.255.255.0,2m --dhcp-leasefile="$LAB/leases-other" \
	--dhcp-option=option:router,192.168.9.1
changed() { case_audited ".seq > $seq and .kind == \"zone\" and .to == \"unknown\""; }
lab_wait 100 changed || fail "another subnet is no event; zones: $(laptop_zones "$seq")"
moved() { ip -n bulkhead addr show en0 | grep -q 192.168.9.; }
lab_wait 60 moved || fail "no lease of the other subnet"
case_zone foreign
[[ $(laptop_zones "$seq") == unknown*foreign ]] || fail "zones: $(laptop_zones "$seq")"
lab_stop stream
[ "$(stamps_heard corp)" = 0 ] || fail "frames at the company"
case_end "100 flaps in $took ms, $changes zone changes in $span s; renewal elsewhere: $(laptop_zones "$seq")"
