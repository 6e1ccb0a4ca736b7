#!/usr/bin/env bash
# NetworkManager, with the files that are installed, Debian's udev rules and a connection for the very NIC
# that Bulkhead takes: bh0 gets address, route and resolver from netguard, whoever starts first, and finds
# a page by name at home; the NIC's connection does nothing until root releases the uplinks, and then works.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/manager.sh"
lab_enter "$@"
peers_have usr/sbin/NetworkManager usr/bin/nmcli usr/bin/dbus-daemon lib/systemd/systemd-udevd ||
	lab_skip "network-manager is not in out/peers; run 'make peers'"

fail() {
	echo "$1; devices: $(manager_in nmcli -t -f DEVICE,STATE,CONNECTION device); $(ip -br addr); log: $(tail -n 8 "$LAB/nm.log")"
	exit 1
}
leased() { [[ $(ip -4 addr show dev bh0) == *"inet 100.64.0.2/30 "*dynamic* ]]; }
autoconfigured() { [[ $(ip -6 addr show dev bh0 scope global) == *"inet6 fd62:756c:6b00:0:"*" dynamic "* ]]; }
alone() { [ "$(ip -4 addr show dev bh0 | grep -c inet)" = 1 ] && [ "$(ip -6 addr show dev bh0 scope global | grep -c inet6)" = 1 ]; }
routed() { [[ $(ip route) == *"default via 100.64.0.1 dev bh0 proto dhcp src 100.64.0.2 metric 4096"* ]]; }
resolves() { grep -qs '^nameserver 100.64.0.1$' /etc/resolv.conf; }
is() { [ "$(manager_link "$1")" = "$2" ]; }
told() { wc -l <"$LAB/nm.log"; }
configured() { # configured WHEN - bh0 has what netguard serves, and nothing else
	lab_wait 60 is bh0 connected:bulkhead || fail "$1: bh0 is not connected"
	lab_wait 20 leased || fail "$1: no lease"
	lab_wait 20 autoconfigured || fail "$1: no IPv6 address"
	lab_wait 10 routed || fail "$1: no route: $(ip route)"
	lab_wait 10 resolves || fail "$1: no resolver: $(cat /etc/resolv.conf)"
	lab_wait 10 alone || fail "$1: more than these addresses"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_enrol || fail "the laptop is not enrolled: $(<"$LAB/disk.log")"
manager_host /run/NetworkManager/resolv.conf && manager_udev && manager_bus || fail "no udev or bus"
profile() { # profile NAME PRIORITY [LINE...] - as people have them
	local file="$LAB/peers/etc/NetworkManager/system-connections/$1.nmconnection"
	printf '%s\n' "[connection]" "id=$1" "uuid=$(</proc/sys/kernel/random/uuid)" "type=ethernet" \
		"autoconnect-priority=$2" "${@:3}" >"$file" && chmod 600 "$file"
}
profile office 600 interface-name=en0 "[ethernet]" "mac-address=$(</sys/class/net/en0/address)"
profile any 500 "[ipv4]" method=manual address1=10.9.9.9/24 # fits every cable, bh0 too

# before Bulkhead, the NIC is NetworkManager's
lans_plug home
manager_nm "$LAB_OUT/demo-root" || fail "NetworkManager does not start"
lab_wait 30 is en0 connected:office || fail "without Bulkhead en0 is not connected"
lab_stop nm
rm -rf "$LAB/peers/run/NetworkManager"

# booted with Bulkhead: NetworkManager finds a bh0 that has its static addresses
laptop_start || fail "bulkheadd does not start"
[[ $(ip addr show dev bh0) == *"inet 100.64.0.2/30 "* ]] || fail "bh0 has no static address"
manager_nm "$LAB_OUT/demo-root" || fail "NetworkManager does not start again"
configured "at boot"
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 20 personal_gets http://server.example/ || fail "no page by name: $(cat /etc/resolv.conf)"

# the connection of the NIC that is gone: nobody tries anything
[ "$(manager_in nmcli -t -f DEVICE device | sort | xargs)" = "bh0 lo" ] || fail "other devices"
before=$(told)
lab_wait 5 eval '[ "$(told)" != "$before" ]' && fail "NetworkManager goes on trying"
manager_in nmcli -t connection up office 2>/dev/null && fail "the NIC's connection came up somewhere"
is bh0 connected:bulkhead || fail "bh0 is not connected any more"

# the way out, and back in under a NetworkManager that has the NIC
bulkhead net release --yes >"$LAB/release.log" 2>&1 || fail "release fails: $(<"$LAB/release.log")"
lab_wait 30 is en0 connected:office || fail "released, en0 is not connected"
lab_wait 20 personal_gets "http://$LAN_GATEWAY_home/" || fail "released, no page"
before=$(lab_ms)
laptop_start || fail "bulkheadd does not start again"
configured "under a running NetworkManager"
took=$(lab_since "$before")
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign again"
lab_wait 20 personal_gets http://server.example/ || fail "no page by name again"
is en0 "" || fail "en0 is still there"
echo "bh0 by NetworkManager at boot and in $took s later; en0's connection idle, and used when released"
