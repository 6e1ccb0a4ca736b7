#!/usr/bin/env bash
# A running laptop refuses what is no proof of this moment and this uplink, each by its own reason in
# the audit log: another root, a certificate that is over, another site, another class, an old epoch
# (also after a restart), a recorded announcement and reply, a relay that changes the sender. What was
# recorded only closes. The highest epoch is on disk, and a damaged file proves nothing.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
FORGE=$LAB_OUT/tests/system/beacon_forge

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
refused() { # refused SEQ REASON - a proof or announcement, in the audit log since that record
	[ "$(laptop_audit "[.[] | select(.kind == \"proof\" and .seq > $1 and .reason == \"$2\")] | length")" -gt 0 ]
}
n=0 since=
# expect REASON WHAT COMMAND... - again and again, until the log has it, from now or from $since on;
# never proven
expect() {
	local reason=$1 what=$2 seq=${since:-$(laptop_seq)}
	shift 2
	since=
	lab_wait 30 said_and_refused "$seq" "$reason" "$@" || fail "$what: not refused as $reason"
	laptop_zone_is proven && fail "$what: proven"
	n=$((n + 1))
	echo "ok - $what: $reason"
}
said_and_refused() {
	local seq=$1 reason=$2
	shift 2
	"$@" || return 1
	lab_pause 0.3
	refused "$seq" "$reason"
}
forge() { lab_in corp "$FORGE" announce "$@" $LAN_GATEWAY_corp; }
certify() { # certify EPOCH - the beacon's certificate
	rm -f "$IT/beacon.certificate"
	bulkhead-beacon certify --root "$IT/keys/beacon-root" --key "$(<"$IT/keys/beacon.pub")" \
		--site hq --epoch "$1" --days 30 "$IT/beacon.certificate"
}
work_is() { [ "$(laptop_status '.ports[] | select(.ifname == "vif1.0") | .allowed')" = "$1" ]; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
root=$IT/keys/beacon-root

lans_plug corp
lab_wait 40 laptop_zone_is suspect || fail "no sign of the company"
bulkhead-beacon keygen root "$IT/keys/other-root" >/dev/null
expect beacon-signature "another company's root" forge "$IT/keys/other-root" hq 5 -1 30 link
expect beacon-certificate "a certificate that is over" forge "$root" hq 1 -9 -1 link
expect beacon-class "a tunnel's certificate on a link" forge "$root" hq 1 -1 30 tunnel
expect beacon-timeout "an announcer that holds no key and is silent" forge "$root" hq 1 -1 30 link
lans_plug corp # each reason is told once on a link
lab_wait 40 laptop_zone_is suspect || fail "no sign of the company"
expect beacon-certificate "a certificate of tomorrow" forge "$root" hq 1 1 30 link
lans_plug corp
lab_wait 40 laptop_zone_is suspect || fail "no sign of the company"
expect beacon-certificate "a site that the policy does not name" forge "$root" plant 1 -1 30 link

certify 2 && beacon_start || fail "no beacon"
lab_wait 40 laptop_zone_is proven || fail "the good beacon proves nothing"
lab_wait 10 work_is true || fail "work stays closed"
lab_wait 5 grep -qx 2 $LAPTOP_STATE/policy/beacon-epoch || fail "the epoch is not stored"
[ "$(laptop_audit 'map(select(.kind == "zone" and .to == "proven"))[-1].proof')" = "beacon 'hq'" ] ||
	fail "audit does not name the proof"
announcement=$("$FORGE" pick "$LAB/corp.pcap" BHAN) || fail "no announcement was recorded"
reply=$("$FORGE" pick "$LAB/corp.pcap" BHRP) || fail "no reply was recorded"
lans_unplug

# A hostile LAN plays what was recorded, to the laptop's new address.
lans_plug home
lab_wait 60 laptop_zone_is foreign || fail "the home LAN does not become foreign"
since=$(laptop_seq)
lab_start replay nsenter --net=/run/netns/home "$FORGE" replay $LAN_GATEWAY_home "$announcement" "$reply"
expect beacon-format "a recorded announcement and reply" true
lab_wait 5 laptop_zone_is suspect || fail "a recorded announcement does not close"
personal_gets "http://$LAN_SERVER/" && fail "personal is open beside an announcement"
work_is true && fail "a recorded announcement opens"
lab_stop replay

# A relay with one foot in the company's LAN: the beacon answers, but it saw somebody else.
ip -n corp link add worm type veth peer name foot netns home
ip -n corp link set worm master br0 up
ip -n home addr add 10.77.0.66/32 dev foot
ip -n home link set foot up
ip -n home route add 10.77.0.1/32 dev foot src 10.77.0.66
since=$(laptop_seq)
lans_plug home
lab_start relay nsenter --net=/run/netns/home "$FORGE" relay $LAN_GATEWAY_home $LAN_GATEWAY_corp 10.77.0.66
expect beacon-observed "a relay into the company's LAN" true
lab_stop relay

# An epoch that was passed stays passed: in this run, after a restart, after decide's death.
lab_stop beacon
certify 1
since=$(laptop_seq)
lans_plug corp
beacon_start || fail "no beacon"
expect beacon-epoch "the beacon of an epoch before" true
since=$(laptop_seq)
laptop_stop && laptop_start || fail "bulkheadd does not start again"
expect beacon-epoch "the same after a restart" true
[ "$(<$LAPTOP_STATE/policy/beacon-epoch)" = 2 ] || fail "the stored epoch is $(<$LAPTOP_STATE/policy/beacon-epoch)"
lab_stop beacon
certify 2
since=$(laptop_seq)
laptop_stop
echo "2x" >$LAPTOP_STATE/policy/beacon-epoch
beacon_start && laptop_start || fail "bulkheadd does not start with a damaged epoch"
expect beacon-epoch "the good beacon beside a damaged epoch file" true
grep -q "policy/beacon-epoch" "$LAB/bulkheadd.log" || fail "nobody says what to restore"
laptop_stop
echo 2 >$LAPTOP_STATE/policy/beacon-epoch
laptop_start
lab_wait 60 laptop_zone_is proven || fail "restored, and still nothing is proven"
echo "$n messages refused, each by its reason; what is good still proves"
