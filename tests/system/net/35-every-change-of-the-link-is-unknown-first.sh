#!/usr/bin/env bash
# The cable flaps a hundred times, roams between home and the company, a lease comes for another subnet
# while the carrier stays, and the cable is swapped faster than the kernel tells of a carrier. Personal
# streams all the while: by its time stamps no frame was let out after the kernel took the grant away,
# and a swap that the kernel tells late closes when it is told, for good.
# case: 35
# title: flap 100 times, roam, another subnet with the carrier kept
# expect dom0: unknown first, 0 frames after the acknowledgement
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

closed() { tail -n 1 "$LAB/watch" | grep -q ^closed; }
told_down() { ! ip -n bulkhead link show en0 | grep -q "state UP"; }
plug() { # without a capture, and out as long as copper is (IEEE 802.3 28.3.2)
	lans_unplug
	lab_wait 3 told_down || fail "the kernel does not tell of the carrier"
	swap "$1"
}
swap() {
	lans_unplug
	ip -n nowhere link set cable netns "$1"
	ip -n "$1" link set cable master br0
	ip -n "$1" link set cable up
}

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
stamps_hear corp && stamps_hear home || fail "no counting sniffer"
case_laptop
stamps_watch bulkhead host0 || fail "no watch"
plug home
case_zone foreign
case_open
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 10000
lab_wait 10 stamps_hears home 100 || fail "the stream is not heard"

for ((n = 0; n < 100; n++)); do
	ip -n home link set cable down
	ip -n home link set cable up
done
lab_wait 5 closed || fail "a hundred flaps do not close"
case_zone foreign
case_open
for ((n = 0; n < 2; n++)); do
	plug corp
	case_zone suspect
	plug home
	case_zone foreign
done
heard=$(stamps_heard corp)
[ "$heard" = 0 ] || fail "$heard frames on the company's LAN while roaming"

# The switch puts the port into another network; the next lease says so, the carrier never went.
case_open
seq=$(laptop_seq)
ip -n home link set cable nomaster
ip -n home addr add 172.20.7.1/24 dev cable
lab_stop dnsmasq-home
lab_start dnsmasq-vlan nsenter --net=/run/netns/home dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null \
	--pid-file --port=0 --interface=cable --bind-interfaces --dhcp-authoritative --dhcp-leasefile="$LAB/leases-vlan" \
	--dhcp-range=172.20.7.100,172.20.7.150,2m --dhcp-option=option:router,172.20.7.1 --no-ping
from=$(lab_ms)
pid=$(pgrep -x dhcpcd | head -n 1)
nsenter -t "$pid" -m -p -n dhcpcd -N en0 >/dev/null 2>&1 || ip -n bulkhead addr flush dev en0 scope global
unknown() { case_audited ".seq > $seq and .kind == \"zone\" and .from == \"foreign\" and .to == \"unknown\""; }
lab_wait 20 unknown || fail "another subnet is not unknown first: $(laptop_zones "$seq")"

# A swap within the second that the kernel may take to tell.
lab_stop dnsmasq-vlan
ip -n home addr flush dev cable
ip -n home link set cable master br0
lans_dnsmasq home lan 192.168.7.100,192.168.7.199,255.255.255.0,2m fd07::
plug home
case_zone foreign
case_open
swap corp
lab_wait 3 closed || fail "a fast swap does not close"
at=$(stamps_heard corp)
lab_pause 1
[ "$at" = "$(stamps_heard corp)" ] || fail "open after a fast swap"
case_zone suspect
lab_stop stream
stamps_judge home corp || fail "late frames: $STAMPS_SAID"
CASE_SENT=$((CASE_SENT + 4))
case_end "$STAMPS_SAID; before the kernel told of a swap without a pause: $at"
