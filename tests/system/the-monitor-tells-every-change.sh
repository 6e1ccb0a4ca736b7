#!/usr/bin/env bash
# `bulkhead monitor` says at once what changed, for people and for programs, and holds nobody up: a
# reader that was stopped hears of the newest state, and a crowd of readers leaves room for root.
# limit: 120 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

fail() {
	echo "$1; monitor said: $(tail -n 4 "$LAB/json.log")"
	exit 1
}
told() { # told JQ-CONDITION - by the --json monitor
	jq -es "any(.[]; $1)" "$LAB/json.log" >/dev/null 2>&1
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start || fail "bulkheadd does not start"
lab_start json bulkhead monitor --json
lab_start text bulkhead monitor
lab_wait 5 told '.kind == "uplink" and .name == "en0" and .from == null and .to == "unknown"' ||
	fail "what is there at first is not told"

lans_plug home
lab_wait 40 told '.kind == "uplink" and .from == "unknown" and .to == "foreign"' || fail "foreign is not told"
lab_wait 5 told '.kind == "port" and .name == "host0" and .class == "personal" and .allowed' ||
	fail "the open port is not told"
lab_wait 5 grep -qE '^[0-9:]{8} uplink en0 +unknown -> foreign: no corporate sign' "$LAB/text.log" &&
	lab_wait 5 grep -qE "^[0-9:]{8} port   host0 +personal: open by way of 'en0'" "$LAB/text.log" ||
	fail "people are not told: $(cat "$LAB/text.log")"

# One that does not read: the others are served, and it catches up.
text=$(<"$LAB/text.pid")
kill -STOP "$text"
beacon_start || fail "no beacon"
lans_plug corp
lab_wait 40 told '.kind == "uplink" and .to == "proven" and (.evidence | test("beacon"))' ||
	fail "proven is not told"
lab_wait 5 told '.kind == "port" and .name == "host0" and .allowed == false and .by_uplink == "en0"' ||
	fail "the closed port is not told"
kill -CONT "$text"
lab_wait 10 grep -q 'proven: a beacon of site' "$LAB/text.log" || fail "the stopped reader heard nothing more"

# The last place is not for everybody: nobody's monitors are bounded, root still gets an answer.
for i in 1 2 3 4; do
	lab_start "crowd$i" setpriv --reuid 65534 --clear-groups bulkhead monitor
done
for i in 1 2 3 4; do
	lab_wait 5 grep -qs uplink "$LAB/crowd$i.log" || fail "four readers of another uid are too many"
done
if said=$(timeout 5 setpriv --reuid 65534 --clear-groups bulkhead monitor 2>&1); then
	fail "a fifth one is served, too"
fi
[[ $said == *"as many are served as can be"* ]] || fail "the fifth is told: $said"
laptop_answers || fail "root gets no answer in the crowd"

lab_start last bulkhead monitor
lab_wait 5 grep -qs uplink "$LAB/last.log" || fail "root's monitor is not served in the crowd"
laptop_stop
lab_wait 5 grep -q 'monitor: bulkheadd ended the talk' "$LAB/last.log" || fail "the daemon's end is not told"
echo "$(wc -l <"$LAB/json.log") changes told, $(wc -l <"$LAB/text.log") lines for people"
