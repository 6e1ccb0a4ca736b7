#!/usr/bin/env bash
# In the emulated machine: Wi-Fi, with three simulated radios. The laptop's moves into the namespace by its
# phy; "bulkhead wifi" finds the networks at home and at the company, says that a passphrase is wrong, joins
# with the right one. Home becomes foreign and personal gets a page. The company's access point wants 802.1X:
# one of its name with a stranger's certificate is refused; at the real one the beacon proves it, work gets a page
# and personal, which never stops sending, is not heard; forgotten, it is closed for both. Whatever is in the air was sent by the uplink's own
# address, or by an access point. EMULATED=all: as told here; else home alone, with the right passphrase.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
if [ -z "${LAB_INSIDE-}" ]; then
	modprobe mac80211_hwsim radios=3 || exit 1
	exec 7</proc/self/ns/net # where the radios are, and "hwsim0", which hears all of them
	ln -sf /sbin/wpa_supplicant /usr/sbin/wpa_supplicant
fi
for part in lab lans tpm roles laptop pki dot1x; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
IT=$LAB/it
PATH=$LAB_OUT/demo-root/usr/bin:$LAB_OUT/demo-root/usr/sbin:$PATH:/sbin
mkdir -p "$IT"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 15 "$LAB/bulkheadd.log" "$LAB"/hostapd-*.log)" 2>/dev/null
	exit 1
}
outside() { nsenter --net=/proc/self/fd/7 "$@"; }
access_point() { # access_point LAN LINK SSID LINE... - joined to that LAN's switch
	local name=hostapd-$1
	cat >"$LAB/hostapd-$1.conf" <<-CONF
		interface=$2
		bridge=br0
		driver=nl80211
		ssid=$3
		hw_mode=g
		channel=1
		wpa=2
		rsn_pairwise=CCMP
		$(printf '%s\n' "${@:4}")
	CONF
	rm -f "$LAB/$name.log"
	lab_start "$name" nsenter --net="/run/netns/$1" hostapd "$LAB/$name.conf"
	lab_wait 10 grep -q AP-ENABLED "$LAB/$name.log" || fail "no access point at $1"
}
company_point() { # with the certificates that dot1x_make made
	mapfile -t server < <(dot1x_server)
	access_point corp wlan2 "the company" wpa_key_mgmt=WPA-EAP "${server[@]}"
}
ok() { echo "ok - $1 (after $(lab_since "$began") s)"; }
mac_of() { ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'; }
sends() { # personal sends, with its token, and never stops
	while :; do
		"$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$token" 5
		"$LAB_TOOLS/send" udp $LAN_SERVER 9 "$token" 5
		lab_pause 1
	done >/dev/null 2>&1
}
in_the_air() { # in_the_air FILTER - frames that some radio sent
	tcpdump -Z root -n -r "$LAB/air.pcap" "$1" 2>/dev/null | wc -l
}
connect() { # connect SSID PASSPHRASE
	echo "$2" | bulkhead wifi connect "$1"
}
all=${EMULATED-}
secret="correct horse battery"
token=$(lab_token wifi)
began=$(lab_ms)

lab_ns home corp
lans_bridge corp 10.77.0.1/16 fd77::1/64
lans_bridge home 192.168.7.1/24 fd07::1/64
lans_dnsmasq corp corp.example 10.77.1.1,10.77.1.99,255.255.0.0,2m fd77::
lans_dnsmasq home lan 192.168.7.100,192.168.7.199,255.255.255.0,2m fd07::
for lan in home corp; do
	mkdir -p "$LAB/www-$lan" && echo "this is the $lan page" >"$LAB/www-$lan/index.html"
	lab_start "www-$lan" nsenter --net=/run/netns/$lan busybox httpd -f -p 80 -h "$LAB/www-$lan"
done
laptop_install && pki_make && pki_install || fail "the lab does not come up"
sed -i 's/^uplinks: .*/radios: [wlan0]/' $LAPTOP_CONFIG
outside iw "phy#1" set netns name /run/netns/home && outside iw "phy#2" set netns name /run/netns/corp &&
	outside iw "phy#0" set netns $$ || fail "the radios do not move"
own=$(cat /sys/class/net/wlan0/address) ap_home=$(mac_of home wlan1) ap_corp=$(mac_of corp wlan2)
outside ip link set hwsim0 up
lab_start air nsenter --net=/proc/self/fd/7 tcpdump -Z root -U -i hwsim0 -w "$LAB/air.pcap"
lab_wait 10 grep -q listening "$LAB/air.log" || fail "nobody hears the air: $(cat "$LAB/air.log")"
access_point home wlan1 "home sweet home" wpa_key_mgmt=WPA-PSK "wpa_passphrase=$secret"
if [ -n "$all" ]; then
	beacon_start || fail "no beacon"
	dot1x_make && dot1x_give_radio wlan0 "the company" || fail "no certificates"
	mkdir "$LAB/twin" && DOT1X_CA=$LAB/twin dot1x_make || fail "no stranger's certificates"
	DOT1X_CA=$LAB/twin company_point
fi
lab_record home home wlan1 && lab_record corp corp br0 || fail "no sniffer"

ok "the radios, access points and LANs are there"
laptop_start || fail "bulkheadd does not start"
[ -z "$all" ] || laptop_guest || fail "no work VM"
sends &
lab_wait 10 test -S "$LAPTOP_STATE/supplicant/ctrl/wlan0" || fail "no supplicant"
listed() { grep -q "$1  *$2$" "$LAB/list"; }
finds() { # a scan stays for 30 ms on each channel: a beacon may come later
	bulkhead wifi list >"$LAB/list" || fail "wifi list"
	listed secured "home sweet home" && { [ -z "$all" ] || listed 802.1X "the company"; }
}
lab_wait 10 finds || fail "not listed: $(cat "$LAB/list")"
ok "the networks are listed"
wrong_passphrase() {
	local from wrong
	from=$(lab_ms)
	connect "home sweet home" "wrong passphrase" 2>"$LAB/wrong" && fail "a wrong passphrase connects"
	wrong=$(lab_since "$from")
	grep -q "the passphrase is wrong" "$LAB/wrong" || fail "what is wrong is not said: $(cat "$LAB/wrong")"
	[ "$(laptop_zone)" = unknown ] || fail "a network that was not joined has a zone"
	ok "a wrong passphrase is told, after $wrong s"
}
[ -z "$all" ] || wrong_passphrase

connect "home sweet home" "$secret" || fail "wifi connect"
[ "$(bulkhead wifi status)" = "connected to 'home sweet home'" ] || fail "wifi status: $(bulkhead wifi status)"
[ "$(stat -c %a "$LAPTOP_STATE/supplicant/wlan0.conf")" = 600 ] || fail "others may read the passphrase"
lab_wait 30 laptop_zone_is foreign || fail "home does not become foreign"
lab_wait 10 personal_gets "http://$LAN_GATEWAY_home/" || fail "personal gets no page"
lab_wait 10 lab_seen home "text:$token" || fail "the sniffer does not hear personal at home"

ok "home is foreign, and personal gets a page"
[ "$(laptop_status '.uplinks[0].ssid')" = "home sweet home" ] || fail "status does not name the network"
known() { grep -q 'key_mgmt=WPA-EAP' "$LAPTOP_STATE/supplicant/wlan0.conf"; }
left() { [ "$(laptop_zone)" != proven ]; } # (for home, which is known)
company() {
	bulkhead wifi connect "the company" </dev/null 2>"$LAB/wrong" && fail "a stranger's access point is joined"
	grep -q "802.1X failed" "$LAB/wrong" || fail "what is wrong is not said: $(cat "$LAB/wrong")"
	[ "$(bulkhead wifi status)" != "connected to 'the company'" ] || fail "a stranger's access point is joined all the same"
	work_gets "http://$LAN_GATEWAY_corp/" && fail "work gets a page behind a stranger's access point"
	ok "a stranger's certificate is refused"
	lab_stop hostapd-corp
	company_point
	bulkhead wifi connect "the company" </dev/null || fail "wifi connect at the company"
	known || fail "what IT wrote is not kept"
	lab_wait 30 laptop_zone_is proven || fail "the company is not proven"
	lab_wait 5 laptop_audit_says 'map(select(.kind == "zone" and .to == "proven"))[-1].proof' "beacon 'hq'" ||
		fail "audit gives no proof by the beacon"
	lab_wait 20 work_gets "http://$LAN_GATEWAY_corp/" || fail "work gets no page at the company"
	[ "$(laptop_status '.ports[] | select(.ifname == "host0") | .allowed')" = false ] || fail "personal is open"
	personal_gets "http://$LAN_GATEWAY_corp/" && fail "personal gets a page at the company"
	lab_seen corp "mac:$own" || fail "the sniffer does not hear the laptop at the company"
	[ "$(lab_count corp "text:$token")" = 0 ] || fail "personal is heard at the company"

	ok "the company is proven, by its beacon; work gets a page, personal none"
	bulkhead wifi forget "the company" || fail "wifi forget"
	lab_wait 30 left || fail "the proof outlives the network"
	work_gets "http://$LAN_GATEWAY_corp/" && fail "work gets a page of a network that was left"
	ok "forgotten, it is closed"
}
[ -z "$all" ] || company
bulkhead wifi forget "home sweet home" || fail "wifi forget"
lab_wait 30 laptop_zone_is unknown || fail "the zone outlives its network"
named="wlan addr2 $own or wlan addr2 $ap_home or wlan addr2 $ap_corp"
n=$(in_the_air "(type mgt or type data) and ($named)")
strange=$(in_the_air "(type mgt or type data) and not ($named)")
[ "$n" -gt 0 ] || fail "the air is empty"
[ "$strange" = 0 ] || fail "$strange frames in the air are of nobody that we know"
[ "$(in_the_air "type data and wlan addr2 $own")" -gt 0 ] || fail "the air does not have the laptop's data"
echo "foreign${all:+, proven}, left; in the air $n frames, 0 of other addresses${all:+; 0 of personal at the company}"
