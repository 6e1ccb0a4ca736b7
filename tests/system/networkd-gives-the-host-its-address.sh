#!/usr/bin/env bash
# systemd-networkd, with the file that is installed: the host's port gets address, route and resolver from
# netguard, and keeps them where the static ones of a host without a manager stood before.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

networkd=/lib/systemd/systemd-networkd
[ -x $networkd ] && command -v dnsmasq networkctl >/dev/null || lab_skip "systemd or dnsmasq-base is not installed"
serving() { lab_in bulkhead ss -Hlun | grep -q ':67 '; }
leased() { ip -4 addr show dev bh0 | grep -q 'inet 100.64.0.2/30 .*dynamic'; }
routed() { ip route | grep -q '^default via 100.64.0.1 dev bh0 proto dhcp src 100.64.0.2 metric 4096'; }
resolves() { grep -q '^DNS=100.64.0.1' /run/systemd/netif/state; }
autoconfigured() { ip -6 addr show dev bh0 scope global | grep -q 'inet6 fd62:756c:6b00:0:'; }

fw_links
fw_with
lab_start ports nsenter --net=/run/netns/bulkhead \
	"$LAB_OUT/tests/system/ports_run" $FW_UID_BASE dhcp host0 'vif*'
lab_wait 10 serving || fail "dnsmasq does not start: $(<"$LAB/ports.log")"
mkdir -p /etc/systemd/network /run/systemd/netif /run/systemd/network
cp "$LAB_TOP/roles/80-bulkhead-bh0.network" /run/systemd/network
mount -o remount,ro /sys # says that there is no udev to wait for
chown -R systemd-network: /run/systemd/netif 2>/dev/null || true
mkdir -p /run/systemd/netif/links /run/systemd/netif/leases /run/systemd/netif/lldp
chmod -R a+rwX /run/systemd/netif
lab_start networkd env SYSTEMD_LOG_LEVEL=info $networkd
lab_wait 20 leased || fail "no lease: $(tail -5 "$LAB/networkd.log") $(ip addr show dev bh0)"
lab_wait 10 routed || fail "no route: $(ip route)"
lab_wait 10 resolves || fail "no resolver: $(cat /run/systemd/netif/state)"
lab_wait 20 autoconfigured || fail "no IPv6 address: $(ip -6 addr show dev bh0)"
[ "$(ip -4 addr show dev bh0 | grep -c inet)" = 1 ] || fail "two addresses: $(ip -4 addr show dev bh0)"
echo "address, route and resolver by networkd"
