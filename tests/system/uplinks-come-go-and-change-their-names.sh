#!/usr/bin/env bash
# The life of uplinks, with the whole daemon and personal sending all the while: one that comes later,
# one that nobody listed, several at once, unplugged and put back, renamed, its name taken by another,
# moved away behind our back. Each is closed first; only what is a known network opens again; and the
# company's cable never carries a frame of personal.
# kernels: 6.1 6.18
# emulated: in make check
# limit: 400 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab lans tpm roles laptop pki; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
IT=$LAB/it
PATH=$LAB_OUT/demo-root/usr/bin:$LAB_OUT/demo-root/usr/sbin:$PATH
mkdir -p "$IT"

fail() {
	echo "$1; $(laptop_status '[.uplinks[] | "\(.ifname) \(.zone)"] | join(", ")'), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
zone_of() { laptop_status ".uplinks[] | select(.ifname == \"$1\") | .zone"; }
zone_is() { [ "$(zone_of "$1" 2>/dev/null)" = "$2" ]; }
is_closed() { [ "$(laptop_status '.ports[] | select(.ifname == "host0") | .allowed')" = false ]; }
is_open() { ! is_closed && personal_gets "http://$LAN_SERVER/"; }
is_up() { [[ $(ip -n bulkhead -br link show dev "$1" 2>/dev/null) == *[\<,]UP[,\>]* ]]; }
is_down() { ! is_up "$1"; }
chain_of() { # chain_of LINK - the device of an egress chain
	[[ $(lab_in bulkhead nft list table netdev bulkhead) == *"hook egress device \"$1\" "* ]]
}
expect() { # expect WHAT COMMAND...
	local what=$1
	shift
	lab_wait 30 "$@" || fail "$what"
	echo "ok - $what"
}
sends() { # personal sends, with its token, and never stops
	while :; do
		"$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$token" 10
		"$LAB_TOOLS/send" udp $LAN_SERVER 9 "$token" 10
		lab_pause 0.2
	done >/dev/null 2>&1
}
silent() { # silent NAME - the cable of that name carried nothing of personal so far
	local n
	n=$(lab_count "$1" "text:$token")
	[ "$n" = 0 ] || fail "$n frames of personal on the company's cable"
}
plug() { # plug LINK CABLE LAN MAC - a new NIC, its cable in LAN, a sniffer at the far end; down
	ip link add "$1" address "$4" type veth peer name "$2" netns "$3"
	lab_record "$2" "$3" "$2" || fail "no sniffer on $2"
	ip -n "$3" link set "$2" master br0
	ip -n "$3" link set "$2" up
}
comes_in() { /usr/libexec/bulkhead/bulkhead-netns uplink "$1"; } # what the udev rule's unit runs

lans_up && laptop_install && pki_make && pki_install || fail "the lab does not come up"
sed -i 's/^uplinks: .*/uplinks: [en0, en1]/' $LAPTOP_CONFIG
token=$(lab_token life)

# The sniffers hear it: without Bulkhead personal is on whatever cable there is.
ip link set en0 up
ip addr add 10.77.200.1/16 dev en0
lans_plug corp
lab_wait 30 ping -q -c 1 -W 1 $LAN_GATEWAY_corp >/dev/null || fail "the lab has no way to corp"
"$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$token" 5 >/dev/null
lab_wait 10 lab_seen corp "text:$token" || fail "the sniffer does not hear personal"
ip addr flush dev en0
lans_unplug
token=$(lab_token life)

laptop_start || fail "bulkheadd does not start"
sends &
lans_plug home
expect "an uplink on a home LAN opens, its neighbour in the list is not there" is_open

plug en1 cable1 corp 02:00:00:00:e1:01
comes_in en1
expect "one that comes later is told apart: suspect" zone_is en1 suspect
chain_of en1 || fail "en1 is up without a chain"
expect "a second cable at the company closes personal on both" is_closed
silent cable1

ip link add en7 type veth peer name cable7 netns corp
comes_in en7
lab_record cable7 corp cable7
ip -n corp link set cable7 master br0
ip -n corp link set cable7 up
is_down en7 || fail "a NIC that nobody listed is up"

ip -n bulkhead link del en1
expect "unplugged, it no longer closes" is_open

# Put back under the same name: on 6.1 its chain went with the device.
! chain_of en1 || [ "$(uname -r | cut -d. -f1)" != 6 ] || [ "$(uname -r | cut -d. -f2)" != 1 ] ||
	fail "6.1 kept the chain of a device that is gone: this test proves less than it says"
plug en1 cable1 corp 02:00:00:00:e1:01
comes_in en1
expect "put back, it is suspect again" zone_is en1 suspect
chain_of en1 || fail "put back, en1 is up without a chain"
silent cable1

# Its name is taken by another: the granted en0 goes, the company's cable comes under that name.
ip -n bulkhead link del en1
expect "unplugged again, it no longer closes" is_open
lab_stop wire-home
ip -n bulkhead link set en0 down
ip -n bulkhead link set en0 name en9
plug en0 cable1 corp 02:00:00:00:e1:01
comes_in en0
expect "another link under the name of an open one is suspect" zone_is en0 suspect
expect "and closed" is_closed
chain_of en0 || fail "the new en0 is up without a chain"
is_down en9 || fail "the renamed one is up"
silent cable1

# Put right: the old one gets its name back.
ip -n bulkhead link del en0
ip -n bulkhead link set en9 name en0
expect "with its name back, the home LAN opens again" is_open

# Moved away behind our back, then found by the rule again.
ip -n bulkhead link set en0 netns $$
expect "moved away, it is closed" is_closed
[[ $(ip -br link show dev en0) != *[\<,]UP[,\>]* ]] || fail "en0 is up in the host's namespace"
comes_in en0
expect "brought back, it opens again" is_open

is_down en7 || fail "a NIC that nobody listed is up"
silent cable1
silent cable7
echo "frames of personal on the company's cables: 0; zones: $(laptop_audit '[.[] | select(.kind == "zone")] | length') changes"
