#!/usr/bin/env bash
# In the emulated machine: Wi-Fi, with two simulated radios. The laptop's moves into the namespace by its
# phy, "bulkhead wifi" finds hostapd's home network, refuses a wrong passphrase, joins it with the right
# one; the network becomes foreign, personal gets a page, and the air carries no frame of personal's MAC.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${LAB_INSIDE-}" ]; then
	modprobe mac80211_hwsim radios=2 || exit 1
	exec 7</proc/self/ns/net # where the radios are
fi
ln -sf /sbin/wpa_supplicant /usr/sbin/wpa_supplicant 2>/dev/null
for part in lab lans tpm roles laptop pki; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
IT=$LAB/it
PATH=$LAB_OUT/demo-root/usr/bin:$LAB_OUT/demo-root/usr/sbin:$PATH:/sbin
mkdir -p "$IT"
PATIENCE=${PATIENCE:-90}

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 15 "$LAB/bulkheadd.log"), hostapd: $(tail -n 3 "$LAB/hostapd.log")"
	exit 1
}
secret="correct horse battery"

lab_ns home
outside() { nsenter --net=/proc/self/fd/7 "$@"; }
outside iw "phy#1" set netns name /run/netns/home && outside iw "phy#0" set netns $$ || fail "the radios do not move"
ip link show wlan0 >/dev/null || fail "no radio"
cat >"$LAB/hostapd.conf" <<-CONF
	interface=wlan1
	driver=nl80211
	ssid=home sweet home
	hw_mode=g
	channel=1
	wpa=2
	wpa_key_mgmt=WPA-PSK
	rsn_pairwise=CCMP
	wpa_passphrase=$secret
CONF
lab_start hostapd nsenter --net=/run/netns/home hostapd "$LAB/hostapd.conf"
lab_wait "$PATIENCE" grep -q AP-ENABLED "$LAB/hostapd.log" || fail "no access point"
ip -n home addr add $LAN_GATEWAY_home/24 dev wlan1
mkdir -p "$LAB/www-home" && echo "this is the home page" >"$LAB/www-home/index.html"
lab_start www-home nsenter --net=/run/netns/home busybox httpd -f -p 80 -h "$LAB/www-home"
lab_start dnsmasq nsenter --net=/run/netns/home dnsmasq --keep-in-foreground --log-facility=- --conf-file=/dev/null \
	--pid-file --no-resolv --no-hosts --interface=wlan1 --bind-dynamic --except-interface=lo --domain=lan \
	--dhcp-range=192.168.7.100,192.168.7.199,255.255.255.0,2m --dhcp-authoritative --dhcp-leasefile="$LAB/leases"

laptop_install && pki_make && pki_install || fail "the lab does not come up"
sed -i 's/^uplinks: .*/radios: [wlan0]/' $LAPTOP_CONFIG
laptop_start || fail "bulkheadd does not start"
lab_record home home wlan1 || fail "no sniffer"
lab_wait "$PATIENCE" test -S "$LAPTOP_STATE/supplicant/ctrl/wlan0" || fail "no supplicant"
bulkhead wifi list >"$LAB/list" || fail "wifi list"
grep -q "secured  *home sweet home$" "$LAB/list" || fail "the network is not listed: $(cat "$LAB/list")"
echo "wrong passphrase" | bulkhead wifi connect "home sweet home" 2>/dev/null && fail "a wrong passphrase connects"
echo "$secret" | bulkhead wifi connect "home sweet home" || fail "wifi connect"
[ "$(bulkhead wifi status)" = "connected to 'home sweet home'" ] || fail "wifi status: $(bulkhead wifi status)"
[ "$(stat -c %a "$LAPTOP_STATE/supplicant/wlan0.conf")" = 600 ] || fail "others may read the passphrase"
lab_wait "$PATIENCE" laptop_zone_is foreign || fail "home does not become foreign"
lab_wait "$PATIENCE" personal_gets "http://$LAN_GATEWAY_home/" || fail "personal gets no page"
for mac in $(ip -j link show dev bh0 | jq -r '.[0].address') $(ip -n bulkhead -j link show dev host0 | jq -r '.[0].address'); do
	[ "$(lab_count home "mac:$mac")" = 0 ] || fail "a frame of $mac is in the air"
done
bulkhead wifi forget "home sweet home" || fail "wifi forget"
lab_wait "$PATIENCE" laptop_zone_is unknown || fail "the zone outlives its network"
echo "joined, foreign, left: $(lab_count home all) frames in the air, none of personal's MAC"
