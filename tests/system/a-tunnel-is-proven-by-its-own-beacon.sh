#!/usr/bin/env bash
# The whole daemon at home, with a WireGuard tunnel to the company that is made while it runs: unknown,
# though it is up, until a beacon behind it with a tunnel's certificate answers; then work gets through it
# and personal goes on at home, never through it. Without the beacon work is back to its VPN alone.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
WG=$LAB_TOP/out/peers/usr/bin
[ -x "$WG/wireguard-go" ] || lab_skip "out/peers has no wireguard-go: run 'make peers'"
[ -e /dev/net/tun ] || lab_skip "this kernel has no tun devices"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

INTRANET=10.77.9.1	# behind the tunnel
fail() {
	echo "$1; $(bulkhead status | tr '\n' ';'), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
tunnel() { # tunnel NAMESPACE LINK ADDRESS
	lab_start "$2" nsenter --net="/run/netns/$1" "$WG/wireguard-go" -f "$2"
	lab_wait 5 test -S "/run/wireguard/$2.sock" || fail "wireguard-go does not start: $(cat "$LAB/$2.log")"
	(umask 077 && "$WG/wg" genkey >"$LAB/$2.key")
	"$WG/wg" set "$2" private-key "$LAB/$2.key"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" link set "$2" up
}
public() { "$WG/wg" pubkey <"$LAB/$1.key"; }
zone_is() { # zone_is UPLINK ZONE
	[ "$(laptop_status ".uplinks[] | select(.ifname == \"$1\") | .zone")" = "$2" ]
}
port_is() { # port_is CLASS VERDICT
	[ "$(laptop_status ".ports[] | select(.class == \"$1\") | .verdict")" = "$2" ]
}

lans_up && tpm_on && laptop_install && pki_make || fail "the lab does not come up"
sed -i 's/^uplinks: .*/&\ntunnels: [wg0]/' $LAPTOP_CONFIG
pki_policy 7 "$(pki_date +30days)" | sed "s/^  sites: .*/&\n  vpn:\n    - {address: $LAN_SERVER, protocol: udp, port: 51820}\n  tunnel_beacons: [\"10.200.0.1\"]/" >"$IT/policy.yaml"
pki_sign policy "$IT/policy.yaml" && pki_install || fail "no policy"
bulkhead-beacon certify --tunnel --root "$IT/keys/beacon-root" --key "$(<"$IT/keys/beacon.pub")" \
	--site hq --epoch 1 --days 30 "$IT/tunnel.certificate" || fail "no certificate"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug home
lab_wait 40 zone_is en0 foreign || fail "the home LAN does not become foreign"
lab_wait 5 port_is work vpn || fail "work has no VPN"
lab_wait 5 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page at home"

# The company's end; and ours, as its owner makes it.
ip -n inet addr add $INTRANET/32 dev lo
tunnel inet wgc 10.200.0.1/24
tunnel bulkhead wg0 10.200.0.2/24
"$WG/wg" set wgc listen-port 51820 peer "$(public wg0)" allowed-ips 10.200.0.2/32
"$WG/wg" set wg0 fwmark 0x42570000 peer "$(public wgc)" endpoint $LAN_SERVER:51820 \
	persistent-keepalive 1 allowed-ips 10.200.0.0/24,10.77.0.0/16
ip -n bulkhead route add 10.77.0.0/16 dev wg0
lab_wait 20 zone_is wg0 unknown || fail "the tunnel is not unknown"
lab_wait 20 zone_is en0 foreign || fail "the home LAN does not stay foreign"
shaken() { [ "$("$WG/wg" show wg0 latest-handshakes | cut -f2)" -gt 0 ]; }
lab_wait 30 shaken || fail "the tunnel does not come up"
! work_gets "http://$INTRANET/" || fail "work goes through a tunnel that nothing proves"

lab_start beacon nsenter --net=/run/netns/inet bulkhead-beacon serve --interface wgc \
	--key "$IT/keys/beacon" --certificate "$IT/tunnel.certificate"
from=$(lab_ms)
lab_wait 40 zone_is wg0 tunnel || fail "the tunnel is not proven"
took=$(lab_since "$from")
lab_wait 5 port_is work open || fail "work is not open"
lab_wait 20 work_gets "http://$INTRANET/" || fail "work does not get through the tunnel"
lab_wait 20 zone_is en0 foreign || fail "a tunnel changes the home LAN"
lab_wait 20 port_is personal open-less-corporate || fail "a tunnel closes personal at home"
personal_gets "http://$LAN_SERVER/" || fail "personal gets no page beside the tunnel"
! personal_gets "http://$INTRANET/" || fail "personal goes through the tunnel"
! personal_gets "http://10.200.0.1/" || fail "personal reaches the tunnel's other end"
bulkhead status | grep -q "^uplink wg0 .*tunnel .*site 'hq' proved it" || fail "status does not tell people of the tunnel"

lab_stop beacon
lab_wait 80 zone_is wg0 unknown || fail "a tunnel stays proven without a beacon"
lab_wait 1 port_is work vpn || fail "work keeps more than its VPN"
! work_gets "http://$INTRANET/" || fail "work goes on through the tunnel"
echo "the tunnel was proven in $took s; work through it, personal beside it"
