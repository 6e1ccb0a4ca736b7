#!/usr/bin/env bash
# Loosening waits for its audit intent: with the audit role stopped, a network that is foreign stays
# closed to personal and status says why; when it runs again, the same network opens.
# limit: 120 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
. "$here/lab/attacks.sh"
lab_enter "$@"

fail() {
	echo "$1; status: $(bulkhead status --json 2>&1); log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
port_is() { # port_is JQ-CONDITION
	[ "$(laptop_status ".ports[] | select(.ifname == \"host0\") | $1")" = true ]
}

lans_up || fail "the lab's LANs do not come up"
tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start || fail "bulkheadd does not start"
audit=$(roles_of "$(laptop_pid)" | awk '$1 == "audit" { print $2 }')
[ -n "$audit" ] || fail "there is no audit role"

kill -STOP "$audit"
lans_plug home
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 10 port_is '.reason == "net-no-audit"' || fail "status does not name the audit log"
port_is '.allowed == false' || fail "the port is open without an audit record"
personal_gets "http://$LAN_SERVER/" && fail "personal got a page without an audit record"

kill -CONT "$audit"
lab_wait 15 personal_gets "http://$LAN_SERVER/" || fail "personal stays closed"
[ "$(laptop_audit '[.[] | select(.kind == "grant" and .phase == "intent")] | length > 0')" = true ] ||
	fail "no intent is in the log"
