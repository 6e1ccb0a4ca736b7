#!/usr/bin/env bash
# A USB adapter that no configuration lists is plugged in while personal is open at home: it is moved in
# as udev's unit does it, stays down, gets no address and no grant; also when somebody sets it up. When
# it takes the name of a listed uplink that is out, it begins closed.
# case: 16
# title: hotplug of an unknown NIC
# expect dom0: 0 frames on it
# expect guard: 0 frames on it
# expect split: 0 frames on it
# kernels: 6.1 6.18
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

adapter() { # a tethered telephone: its own network, and an internet behind it
	ip link add usb0 type veth peer name usb-far netns corp
	ip -n corp addr add 10.99.0.1/24 dev usb-far
	ip -n corp link set usb-far up
	case_record usb corp usb-far
}
to_it() {
	case_personal "$LAB_TOOLS/send" udp 10.99.0.1 9 "$1-near-" 3
	case_personal "$LAB_TOOLS/send" udp $LAN_SERVER 9 "$1-far-" 3
	case_personal "$LAB_TOOLS/send" packet "$raw" ff:ff:ff:ff:ff:ff "$1-raw-" 3
}

adapter
raw=usb0
ip addr add 10.99.0.50/24 dev usb0
ip link set usb0 up
ip route add default via 10.99.0.1
case_without usb to_it near far raw
ip link del usb0
case_laptop
lans_plug home
case_zone foreign
case_open
adapter
raw=bh0
/usr/libexec/bulkhead/bulkhead-netns uplink usb0 >/dev/null
[[ $(ip -n bulkhead -o link show usb0) != *[\<,]UP[,\>]* ]] || fail "the adapter is up"
case_none usb to_it near far raw
ip -n bulkhead addr add 10.99.0.50/24 dev usb0
ip -n bulkhead link set usb0 up
case_none usb to_it near far raw
[ "$(laptop_status '[.uplinks[].ifname] | join(" ")')" = en0 ] || fail "it became an uplink: $(laptop_status .uplinks)"
ip -n bulkhead link del usb0
case_open
case_end
