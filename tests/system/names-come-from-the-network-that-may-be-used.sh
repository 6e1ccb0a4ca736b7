#!/usr/bin/env bash
# The whole daemon between two LANs: a port's client gets address and resolver by DHCP and finds pages by
# name, personal at home, work at the company, and neither of them elsewhere. A resolver runs only while
# its class may ask; every process is as roles.tsv says.
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
runs() { [ -n "$(laptop_role_pid "$1")" ]; }
ended() { ! runs "$1"; }
as_granted() { # descriptors come and go with each question: what holds at once is what counts
	roles_check "$(laptop_pid)" $LAPTOP_UID_BASE >"$LAB/roles" && [ ! -s "$LAB/roles" ]
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lab_wait 10 laptop_lease || fail "the host gets no lease"
lab_wait 10 laptop_guest_lease || fail "the work VM gets no lease"
runs ports || fail "nobody serves the ports"
ended dns_personal && ended dns_work || fail "a resolver runs without a grant"

lans_plug home
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 20 personal_gets http://server.example/ || fail "personal finds no page by name at home"
! work_finds http://server.example/ || fail "work finds a page at home"
runs dns_personal && ended dns_work || fail "the wrong resolvers run: $(roles_of "$(laptop_pid)")"
lab_wait 10 as_granted || fail "$(<"$LAB/roles")"
pid=$(laptop_role_pid dns_personal)
kill -KILL "$pid"
lab_wait 20 laptop_role_replaced dns_personal "$pid" || fail "nobody replaced the resolver"
lab_wait 20 personal_gets http://server.example/ || fail "its successor finds no page"
pid=$(laptop_role_pid decide)
kill -KILL "$pid"
lab_wait 20 laptop_role_replaced decide "$pid" || fail "nobody replaced decide"
lab_wait 10 ended dns_personal || fail "a resolver outlives the word of decide"
lab_wait 40 personal_gets http://server.example/ || fail "no page by name after decide was replaced"

beacon_start || fail "no beacon"
lans_plug corp
lab_wait 60 laptop_zone_is proven || fail "the company's LAN is not proven"
lab_wait 20 work_finds http://intranet.corp.example/ || fail "work finds no page by name"
lab_wait 10 ended dns_personal || fail "personal's resolver runs at the company"
! personal_gets http://intranet.corp.example/ || fail "personal finds a page at the company"
[ "$(lab_count corp ip:100.64.0.2)" = 0 ] || fail "personal is on the wire"
lab_wait 10 as_granted || fail "$(<"$LAB/roles")"
lans_unplug
lab_wait 10 ended dns_work || fail "work's resolver outlives the cable"
laptop_stop
! pgrep -x dnsmasq -u $((LAPTOP_UID_BASE + 11)) || fail "something outlives bulkheadd"
echo "personal at home and work at the company find pages by name; each resolver ends with its grant"
