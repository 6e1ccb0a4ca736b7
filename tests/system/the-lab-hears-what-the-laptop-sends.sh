#!/usr/bin/env bash
# Without Bulkhead every try of the personal OS is seen on the corporate LAN, and what the LAN's
# servers offer arrives: a leak test that counts 0 in this lab counts something.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$(dirname "$0")/../lab/lans.sh"
. "$(dirname "$0")/../lab/attacks.sh"
lab_enter "$@"

fail() {
	echo "$1"
	exit 1
}

lans_up
attacks_without_bulkhead || fail "the sniffer misses: $(attacks_missing corp)"
personal_mac=$(</sys/class/net/en0/address)
[ "$(lab_count corp "mac:$personal_mac")" -gt 30 ] || fail "the sniffer misses the address of en0"
[ "$(lab_count corp ip:10.77.0.200)" -gt 10 ] || fail "the sniffer misses 10.77.0.200"
busybox wget -q -O "$LAB/page" http://$LAN_GATEWAY_corp/ || fail "no page on the corporate LAN"
grep -q 'corp page' "$LAB/page" || fail "another page: $(cat "$LAB/page")"

# the LAN's servers
lans_switch || fail "no lldpd in out/peers: run 'make peers'"
lab_wait 10 lab_seen corp type:88cc || fail "no LLDP frame on the cable: $(tail -3 "$LAB/lldpd.log")"
lab_seen corp text:sw-floor2 || fail "LLDP without the switch's name"
busybox udhcpc -n -q -t 5 -T 1 -i en0 -s /bin/true >"$LAB/udhcpc.log" 2>&1 || fail "no DHCP lease"
lab_seen corp text:corp.example || fail "DHCP without the company's suffix"

lans_unplug
lab_stop wire-corp
echo "heard on the wire: $(attacks_found corp) frames with a token"
