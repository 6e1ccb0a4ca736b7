#!/usr/bin/env bash
# sniff hears every sign as the daemons of a real network send it, within seconds, and what it claims is
# what they were told to say: dnsmasq, kea for DHCPv4 and DHCPv6, radvd, lldpd speaking LLDP and CDP,
# hostapd as a wired authenticator, tags of 802.1Q and 802.1ad, and the router's own ARP.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/lab.sh"
. "$here/lab/peers.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base or busybox is not installed"
peers_have usr/sbin/kea-dhcp4 usr/sbin/kea-dhcp6 usr/sbin/radvd usr/sbin/lldpd usr/sbin/hostapd \
	sbin/wpa_supplicant || lab_skip "out/peers lacks the daemons; run 'make peers'"
peers_up || exit 1

play=$LAB_OUT/tests/system/play_network
told=$LAB/told
n=0
slowest=0

fail() {
	echo "$1; heard: $(grep -v ^alive "$told" | tail -n 15)"
	echo "$2: $(tail -n 8 "$LAB/$2.log" 2>/dev/null)"
	exit 1
}
heard() { grep -qE "^$1" "$told"; }
# hears SECONDS WHO PATTERN - a claim that begins like this, since the last forget
hears() {
	local from took
	from=$(lab_ms)
	lab_wait "$1" heard "$3" || fail "sniff does not hear '$3'" "$2"
	took=$(($(lab_ms) - from))
	[ $took -le $slowest ] || slowest=$took
	n=$((n + 1))
	echo "ok - $2 after $took ms: $(grep -E "^$3" "$told" | head -n 1)"
}
forget() { : >"$told"; }
in_lan() { # in_lan NAME PROGRAM... - one of out/peers, on the switch's side
	local name=$1
	shift
	lab_start "$name" peers_exec lan sw-floor2 "$@"
}
mac_of() { ip -n "$1" -br link show "$2" | awk '{ print $3 }'; }

lab_ns lan box
ip link add up0 netns box type veth peer name lan0 netns lan
ip -n lan addr add 192.168.77.1/24 dev lan0
ip -n lan addr add fd77:0:0:9::1/64 dev lan0 nodad
ip -n lan link set lan0 up
ip -n box link set up0 up
lab_start sniff nsenter --net=/run/netns/box "$play" listen "$LAB_OUT/bulkhead-sniff" up0 230
told=$LAB/sniff.log
lab_wait 15 heard alive || fail "sniff does not start" sniff

# --- tags, which the receiving kernel takes off: of both kinds, nested, and for no VLAN
arp=0806000108000604000102000000000a0a0700010000000000000a070009
tagged() { # tagged TAGS - a question for 10.7.0.9 behind these tags
	lab_in lan "$play" send lan0 "ffffffffffff02000000000a$1$arp"
}
tagged 81000007
hears 10 802.1Q 'vlan id=7$'
forget
tagged 88a8000981000007
hears 10 802.1ad 'vlan id=9$'
forget
if ip -n lan link add link lan0 name lan0.5 type vlan id 5 2>/dev/null; then
	ip -n lan addr add 10.7.0.1/24 dev lan0.5
	ip -n lan link set lan0.5 up
	lab_in lan busybox arping -c 1 -I lan0.5 10.7.0.9 >/dev/null 2>&1 || true
	hears 10 vlan-link 'vlan id=5$'
	ip -n lan link del lan0.5
	forget
fi
# priority 5, no VLAN: not another network, and what is in it counts
lldp=0207040200000000010402053106020078
lab_in lan "$play" send lan0 "0180c200000e0200000000018100a000""88cc${lldp}0000"
hears 10 priority "lldp system='' chassis='02:00:00:00:00:01'"
heard vlan && fail "a tag for no VLAN counts as one" priority
forget

# --- the same five times within a beat is told twice: at once, and held back until just before the
# beat, which would else attest a silence that was none. A loaded machine may need another try.
ra=333300000001020000000077""86dd6000000000103aff
ra+=fe800000000000000000000000000001""ff020000000000000000000000000001
ra+=86000000400007080000000000000000
beat_is_over() { grep -q ^alive "$told"; }
order=
for _ in {1..8}; do
	forget
	lab_wait 5 beat_is_over
	forget
	for _ in {1..5}; do
		lab_in lan "$play" send lan0 "$ra"
	done
	lab_wait 5 beat_is_over
	order=$(awk '{ printf "%s ", $1 } /^alive/ { exit }' "$told")
	[ "$order" != "ra gateway ra gateway alive " ] || break
done
[ "$order" = "ra gateway ra gateway alive " ] || fail "five of the same come as '$order'" sniff
echo "ok - five of the same within a beat: $order"
forget

# --- dnsmasq: DHCPv4 with vendor and private options, and an advertisement with a resolver
lab_start dnsmasq nsenter --net=/run/netns/lan dnsmasq --keep-in-foreground --conf-file=/dev/null --pid-file \
	--log-facility=- --port=0 --interface=lan0 --bind-interfaces --except-interface=lo \
	--dhcp-range=192.168.77.50,192.168.77.60,255.255.255.0,10m --domain=corp.example \
	--dhcp-option=option:router,192.168.77.1 --dhcp-option=option:dns-server,192.168.77.53 \
	--dhcp-option=option:domain-search,a.corp.example,lan --dhcp-option-force=224,77 \
	--dhcp-option-force=43,1:2:3 --dhcp-authoritative --dhcp-leasefile="$LAB/leases" --enable-ra \
	--dhcp-range=fd77:0:0:9::,ra-only,64,10m '--dhcp-option=option6:dns-server,[fd77::53]' \
	'--dhcp-option=option6:domain-search,corp.example'
lab_wait 10 grep -qs "DHCP, IP range" "$LAB/dnsmasq.log" || fail "dnsmasq does not start" dnsmasq
lab_start udhcpc nsenter --net=/run/netns/box busybox udhcpc -f -n -q -i up0 -s /bin/true -O search -O 224 -O 43
hears 20 dnsmasq "dhcp4 type=2 domain='corp.example' server=192.168.77.1 router=192.168.77.1 \
dns=192.168.77.53 lease_s=600 search='a.corp.example lan' vendor=1 private=1"
hears 20 dnsmasq "dhcp4 type=5 domain='corp.example'"
hears 5 dnsmasq "gateway address=192.168.77.1 mac=$(mac_of lan lan0)"
hears 20 dnsmasq "ra lifetime_s=[0-9]+ flags=0x.. prefix=fd77:0:0:9::/64 dns=fd77::53 search='corp.example'"
hears 5 dnsmasq "gateway address=fe80::.* mac=$(mac_of lan lan0)"
lab_stop udhcpc dnsmasq

# --- the router's MAC changes, and only that is news
forget
ip -n lan link set lan0 address 02:00:00:00:77:02
lab_in lan busybox arping -c 1 -U -I lan0 192.168.77.1 >/dev/null 2>&1 || true
hears 10 arp "gateway address=192.168.77.1 mac=02:00:00:00:77:02"
forget
ip -n lan addr add 192.168.77.2/24 dev lan0
lab_in lan busybox arping -c 2 -U -s 192.168.77.2 -I lan0 192.168.77.2 >/dev/null 2>&1 || true
lab_in lan busybox arping -c 1 -U -I lan0 192.168.77.1 >/dev/null 2>&1 || true
beats() { [ "$(grep -c ^alive "$told")" -ge 2 ]; }
lab_wait 10 beats
heard gateway && fail "a neighbour, or the same router again, is told" arp
echo "ok - a neighbour, and a router that says what is known, wake nobody"

# --- kea, DHCPv4
cat >"$LAB/peers/tmp/kea4.json" <<'JSON'
{ "Dhcp4": {
  "interfaces-config": { "interfaces": ["lan0"] },
  "lease-database": { "type": "memfile", "persist": false },
  "valid-lifetime": 900,
  "option-def": [ { "name": "site", "code": 230, "type": "string" } ],
  "subnet4": [ { "subnet": "192.168.77.0/24", "pools": [ { "pool": "192.168.77.100-192.168.77.110" } ],
    "option-data": [
      { "name": "routers", "data": "192.168.77.1" },
      { "name": "domain-name-servers", "data": "10.77.0.53, 10.77.0.54" },
      { "name": "domain-name", "data": "kea.corp.example" },
      { "name": "vivso-suboptions", "data": "4491", "always-send": true },
      { "name": "site", "data": "hq", "always-send": true } ] } ] } }
JSON
mkdir -p "$LAB/peers/run/kea" "$LAB/peers/var/lib/kea"
kea() { KEA_PIDFILE_DIR=/tmp KEA_LOCKFILE_DIR=none in_lan "$1" "/usr/sbin/$1" -c "$2"; }
forget
kea kea-dhcp4 /tmp/kea4.json
lab_wait 20 grep -qs DHCP4_STARTED "$LAB/kea-dhcp4.log" || fail "kea does not start" kea-dhcp4
lab_start udhcpc nsenter --net=/run/netns/box busybox udhcpc -f -n -q -i up0 -s /bin/true -O 230
hears 20 kea-dhcp4 "dhcp4 type=5 domain='kea.corp.example' server=192.168.77.1 router=192.168.77.1 \
dns=10.77.0.53 dns=10.77.0.54 lease_s=900 search='' vendor=1 private=1"
lab_stop udhcpc kea-dhcp4

# --- kea, DHCPv6
cat >"$LAB/peers/tmp/kea6.json" <<'JSON'
{ "Dhcp6": {
  "interfaces-config": { "interfaces": ["lan0"] },
  "lease-database": { "type": "memfile", "persist": false },
  "subnet6": [ { "subnet": "fd77:0:0:9::/64", "interface": "lan0",
    "pools": [ { "pool": "fd77:0:0:9::100/128" } ],
    "option-data": [
      { "name": "dns-servers", "data": "fd77::53, fd77::54" },
      { "name": "domain-search", "data": "corp.example, lan" },
      { "name": "vendor-opts", "data": "4491", "always-send": true } ] } ] } }
JSON
cat >"$LAB/dhcpcd6.conf" <<'CONF'
duid
noipv6rs
ipv6only
interface up0
ia_na 1
option dhcp6_name_servers, dhcp6_domain_search
CONF
forget
kea kea-dhcp6 /tmp/kea6.json
lab_wait 20 grep -qs DHCP6_STARTED "$LAB/kea-dhcp6.log" || fail "kea does not start" kea-dhcp6
lab_start dhcpcd nsenter --net=/run/netns/box dhcpcd -B -1 -f "$LAB/dhcpcd6.conf" up0
hears 30 kea-dhcp6 "dhcp6 type=7 status=0 address=fd77:0:0:9::100 dns=fd77::53 dns=fd77::54 \
search='corp.example lan' vendor=1 cut=0"
lab_stop kea-dhcp6 # the client has what it wanted, and ends by itself

# --- radvd
cat >"$LAB/peers/tmp/radvd.conf" <<'CONF'
interface lan0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvOtherConfigFlag on;
	prefix fd77:0:0:a::/64 { AdvValidLifetime 600; AdvPreferredLifetime 300; };
	RDNSS fd77::53 fd77::54 { };
	DNSSL corp.example example.net { };
};
CONF
forget
in_lan radvd /usr/sbin/radvd -n -d 1 -m stderr -C /tmp/radvd.conf -p /run/radvd.pid
hears 20 radvd "ra lifetime_s=[0-9]+ flags=0x40 prefix=fd77:0:0:a::/64 dns=fd77::53 dns=fd77::54 \
search='corp.example example.net' cut=0"
lab_stop radvd

# --- lldpd, LLDP and CDP version 2, both without being asked
forget
echo "127.0.0.1 sw-floor2.corp.example sw-floor2" >"$LAB/peers/etc/hosts"
in_lan lldpd /usr/sbin/lldpd -d -l -ccc -I lan0
hears 20 lldpd "lldp system='sw-floor2.corp.example' chassis='02:00:00:00:77:02'"
hears 20 lldpd "cdp device='sw-floor2.corp.example' port='lan0' platform='Linux'"
lab_stop lldpd

# --- hostapd asks for an identity; wpa_supplicant has knocked
cat >"$LAB/peers/tmp/hostapd.conf" <<'CONF'
interface=lan0
driver=wired
ieee8021x=1
use_pae_group_addr=1
eap_server=1
eap_user_file=/tmp/hostapd.users
eap_message=log in to corp.example
CONF
echo '* PEAP' >"$LAB/peers/tmp/hostapd.users"
cat >"$LAB/peers/tmp/wpa.conf" <<'CONF'
ap_scan=0
network={
	key_mgmt=IEEE8021X
	eap=MD5
	identity="nobody"
	password="none"
}
CONF
forget
in_lan hostapd /usr/sbin/hostapd /tmp/hostapd.conf
lab_wait 10 grep -qs "AP-ENABLED" "$LAB/hostapd.log" || fail "hostapd does not start" hostapd
lab_start supplicant peers_exec box laptop /sbin/wpa_supplicant -D wired -i up0 -c /tmp/wpa.conf
hears 30 hostapd "eapol type=0 code=1 eap_type=1 identity='log in to corp.example'"
lab_stop supplicant hostapd

! grep '^alive' "$told" | grep -vx 'alive dropped=0' || fail "frames were dropped" sniff
echo "$n claims as the daemons were configured, the slowest after $slowest ms"
