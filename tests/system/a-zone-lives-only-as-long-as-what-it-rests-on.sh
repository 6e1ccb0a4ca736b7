#!/usr/bin/env bash
# The whole daemon between two LANs. "foreign" ends when nobody listens any more. A company's name in a
# lease is enough to close; "proven" needs a beacon of a site that the policy names, opens work alone,
# and ends with its link. What a role that died knew is believed by nobody.
# limit: 180 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
role() { roles_of "$(laptop_pid)" | awk -v role="$1" '$1 == role { print $2; exit }'; }
is_closed() { # to personal, as status and the wire have it
	[ "$(laptop_status '.ports[] | select(.ifname == "host0") | .allowed')" = false ] &&
		! personal_gets "http://$LAN_SERVER/"
}
work_is() { # work_is true|false
	[ "$(laptop_status '.ports[] | select(.ifname == "vif1.0") | .allowed')" = "$1" ]
}
sites() { # sites NUMBER LIST - a new policy, in force
	pki_policy "$1" "$(pki_date +20days)" | sed "s/^  sites: .*/  sites: [$2]/" >"$IT/sites.yaml"
	pki_sign policy "$IT/sites.yaml"
	bulkhead policy install "$IT/sites.yaml" >/dev/null || fail "policy $1 is refused"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"

lans_plug home
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 10 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page at home"
work_is false || fail "work is open at home"

sniff=$(role sniff)
kill -STOP "$sniff"
lab_wait 8 laptop_zone_is unknown || fail "foreign, and nobody listens"
is_closed || fail "open, and nobody listens"
kill -CONT "$sniff"
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign again"
kill -KILL "$(role sniff)"
lab_wait 1 laptop_zone_is unknown || fail "foreign, and the listener is dead" # the gap alone takes longer
lab_wait 40 laptop_zone_is foreign || fail "its successor attests nothing"
kill -KILL "$(role decide)"
lab_wait 10 laptop_zone_is unknown || fail "a new decide believes its predecessor"
echo "foreign ends with what attests it"

beacon_start || fail "no beacon"
sites 20 '"elsewhere"'
lans_plug corp
lab_wait 40 laptop_zone_is suspect || fail "no sign of the company"
is_closed || fail "personal is open at the company"
lab_wait 8 laptop_zone_is proven && fail "a site that the policy does not name is proven"
work_is false || fail "work is open without a proof"
sites 21 '"hq"'
lab_wait 40 laptop_zone_is proven || fail "the beacon's answer proves nothing"
lab_wait 10 work_is true || fail "work stays closed"
is_closed || fail "personal is open beside a proof"
echo "proven by a site that the policy names, for work alone"

lab_stop beacon
lans_plug corp # the same LAN again, as far as anybody can tell
lab_wait 5 laptop_zone_is proven && fail "a proof outlives its link"
lab_wait 20 laptop_zone_is suspect || fail "no sign of the company"
work_is false || fail "work is open without a proof"
is_closed || fail "personal is open at the company"
echo "the proof ended with its link, and suspect is left"
