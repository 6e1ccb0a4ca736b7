#!/usr/bin/env bash
# ifupdown, with the example that is installed, and the client that it finds, isc-dhcp-client or else
# dhcpcd: the host's port gets address, route and resolver from netguard in place of the static ones.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
. "$LAB_TOP/tests/lab/peers.sh"
lab_enter "$@"

peers_have sbin/ifup sbin/dhclient && command -v dnsmasq dhcpcd >/dev/null ||
	lab_skip "ifupdown is not in out/peers, or dnsmasq-base or dhcpcd-base is not installed; run 'make peers'"
serving() { lab_in bulkhead ss -Hlun | grep -q ':67 '; }
leased() { [[ $(ip -4 addr show dev bh0) == *"inet 100.64.0.2/30 "*" dynamic "* ]]; }
freed() { ! leased; } # dhcpcd lets go a moment after it said so
autoconfigured() { [[ $(ip -6 addr show dev bh0 scope global) == *"inet6 fd62:756c:6b00:0:"*" dynamic "* ]]; }
alone() { [ "$(ip -4 addr show dev bh0 | grep -c inet)" = 1 ] && [[ $(ip -6 addr show dev bh0) != *"fd62:756c:6b00::2/64"* ]]; }
routed() { [[ $(ip route) == *"default via 100.64.0.1 dev bh0 "*"metric 4096"* ]]; }
resolves() { grep -qs '^nameserver 100.64.0.1' /etc/resolv.conf; }
usr() { # usr FOLDER FILE... - of the peers, as if their packages were installed
	mkdir -p "$LAB/usr/$1"
	cp -a "${@:2}" "$LAB/usr/$1"
}
by() { # by CLIENT - up, and down again
	"$LAB_TOP/roles/bulkhead-netns" up
	echo "# (the lab's own /etc)" >/etc/resolv.conf
	timeout 60 ifup bh0 >"$LAB/ifup.log" 2>&1 || fail "$1: ifup fails: $(tail -n 5 "$LAB/ifup.log")"
	grep -q "^$2" "$LAB/ifup.log" || fail "it is not $1: $(<"$LAB/ifup.log")"
	lab_wait 20 leased || fail "$1: no lease: $(ip addr show dev bh0)"
	lab_wait 10 routed || fail "$1: no route: $(ip route)"
	lab_wait 10 resolves || fail "$1: no resolver: $(cat /etc/resolv.conf)"
	lab_wait 20 autoconfigured || fail "$1: no IPv6 address: $(ip -6 addr show dev bh0)"
	lab_wait 10 alone || fail "$1: more than these addresses: $(ip addr show dev bh0)"
	timeout 60 ifdown bh0 >"$LAB/ifdown.log" 2>&1 || fail "$1: ifdown fails: $(tail -n 5 "$LAB/ifdown.log")"
	lab_wait 10 freed || fail "$1: the lease stays after ifdown: $(ip addr show dev bh0)"
}

fw_links
fw_with
lab_start ports nsenter --net=/run/netns/bulkhead \
	"$LAB_OUT/tests/system/ports_run" $FW_UID_BASE dhcp host0 'vif*'
lab_wait 10 serving || fail "dnsmasq does not start: $(<"$LAB/ports.log")"
usr sbin "$PEERS_ROOT"/sbin/{ifup,ifdown,ifquery,dhclient,dhclient-script}
usr lib "$PEERS_ROOT/lib/ifupdown"
mkdir -p "$LAB/over/usr"
mount -t overlay overlay -o "lowerdir=/usr,upperdir=$LAB/usr,workdir=$LAB/over/usr" /usr
mkdir -p /etc/network/interfaces.d /etc/network/if-{pre-up,up,down,post-down}.d /etc/dhcp /run/network /var/lib/dhcp
echo "source /etc/network/interfaces.d/*" >/etc/network/interfaces
cp "$PEERS_ROOT/etc/dhcp/dhclient.conf" /etc/dhcp
cp "$LAB_TOP/roles/bulkhead.interfaces" /etc/network/interfaces.d/bulkhead
by dhclient "DHCPACK of 100.64.0.2"
rm /usr/sbin/dhclient # (the lab's own)
by dhcpcd dhcpcd
echo "address, route and resolver by ifupdown, with dhclient and with dhcpcd"
