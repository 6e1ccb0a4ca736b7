#!/usr/bin/env bash
# A switch port that wants 802.1X: the confined supplicant proves with EAP-TLS who the laptop is, the
# port opens, what was heard closes personal, and the beacon behind it proves the LAN. No other EAPOL
# frame leaves: not personal's, not root's in the namespace. A certificate of another CA opens nothing.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/dot1x.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox openssl >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq, busybox or openssl is not installed"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n ${TAIL:-5} "$LAB/bulkheadd.log"), switch: $(tail -n 3 "$LAB/hostapd.log" 2>/dev/null)"
	exit 1
}
pae=01:80:c2:00:00:03 # IEEE 802.1X-2010 table 11-1
eapol_of() { "$LAB_TOOLS/forge" "$1" own $pae frame 888e01010000 "$2" 3; }
plug() { # into the switch, not into the LAN behind it
	lans_unplug
	ip -n nowhere link set cable netns corp
	lab_record corp corp cable
	ip -n corp link set cable up
	: >"$LAB/hostapd.log"
	dot1x_switch corp cable
}

lans_up && tpm_on && laptop_install && pki_make && pki_install && dot1x_make || fail "the lab does not come up"
dot1x_install
sed -i 's/^uplinks: .*/dot1x: [en0]/' $LAPTOP_CONFIG
dot1x_give en0
beacon_start || fail "no beacon"

# The sniffer hears such a frame, and the switch wants more than frames.
plug
ip link set en0 up
token=$(lab_token eapol)
lab_wait 5 eapol_of en0 "$token" >/dev/null || fail "no frame can be sent"
lab_wait 10 lab_seen corp "text:$token" || fail "the sniffer does not hear EAPOL"
dot1x_opened && fail "the port opens for anybody: this test proves nothing"
ip link set en0 down
lab_stop hostapd

plug
laptop_start || fail "bulkheadd does not start"
lab_wait 40 dot1x_opened || fail "the port does not open"
ip -n corp link set cable master br0
lab_wait 40 laptop_zone_is proven || fail "the LAN behind the port is not proven"
laptop_audit '[.[] | select(.kind == "zone" and .to == "suspect")] | length > 0' | grep -q true || fail "nothing was heard before the proof"
! personal_gets "http://$LAN_SERVER/" || fail "personal is open at the company"
echo "the port is open, its LAN is proven"

token=$(lab_token eapol)
eapol_of bh0 "$token-personal" >/dev/null
lab_in bulkhead "$LAB_TOOLS/forge" en0 own $pae frame 888e01010000 "$token-root" 3 >/dev/null
lab_wait 1 lab_seen corp "text:$token" && fail "an EAPOL frame of somebody else is on the cable"

pid=$(pgrep -x wpa_supplicant) || fail "no supplicant"
roles_fault=$(roles_check_one supplicant "$pid" $LAPTOP_UID_BASE)
[ -z "$roles_fault" ] || fail "the supplicant: $roles_fault"
[ ! -e "/proc/$pid/root/etc/passwd" ] && [ ! -e "/proc/$pid/root/run/bulkhead/control.sock" ] ||
	fail "the supplicant sees more than its folder"
n=$(lab_count corp type:888e)

# Not ours: another CA's certificate opens nothing, and the supplicant is asked again and again.
laptop_stop
lab_stop hostapd
dot1x_make && rm -f "$LAPTOP_STATE"/supplicant/laptop.*
cp "$DOT1X_CA"/laptop.* "$LAPTOP_STATE/supplicant/" # the laptop still trusts the old CA, the switch the new one
plug
laptop_start || fail "bulkheadd does not start again"
lab_wait 8 dot1x_opened && fail "the port opened between strangers"
[ "$(lab_count corp type:888e)" -gt 2 ] || fail "the supplicant does not even try"
echo "opened with $n EAPOL frames, none of others; between strangers it stays closed"
