#!/usr/bin/env bash
# Two uplinks: one at home, open to personal, the other plugged into the company's LAN. Personal is
# closed on both, streams and new flows. The company's cable then flaps: each time it is out the uplink
# is unknown, and nothing opens at home; only when it is out for a whole window, personal is open there
# again. A policy that ignores other uplinks has it so. A name that another link takes is told.
# case: 37
# title: two NICs: one at home, one at the company
# expect dom0: 0 frames on both
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 300 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

window_ms=4000
policy() { # policy SERIAL [LINE]
	PKI_WINDOW=${window_ms}ms pki_policy "$1" "$(pki_date +20days)" | sed "s/^  foreign: .*/&${2:+\n  $2}/"
}
zone_of() { laptop_status ".uplinks[] | select(.ifname == \"$1\") | .zone"; }
is() { [ "$(zone_of "$1")" = "$2" ]; }
personal_is() { [ "$(laptop_status '.ports[] | select(.ifname == "host0") | .allowed')" = "$1" ]; }
quiet() { # nothing more arrives at home
	local n
	n=$(stamps_heard home)
	lab_pause 0.3
	[ "$n" = "$(stamps_heard home)" ]
}

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
ip link add en1 address 02:00:00:00:e0:02 type veth peer name cable1 netns home
ip -n home link set cable1 master br0 up
tpm_on && laptop_install && pki_make && sed -i 's/uplinks: .*/uplinks: [en0, en1]/' $LAPTOP_CONFIG &&
	policy 10 >"$IT/policy.yaml" && pki_sign policy "$IT/policy.yaml" && pki_install && laptop_start ||
	fail "bulkheadd does not start"
stamps_hear corp && stamps_hear home || fail "no counting sniffer"
lab_wait 40 is en1 foreign || fail "en1 is '$(zone_of en1)'"
case_open
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 2000
lab_wait 10 stamps_hears home 100 || fail "the stream is not heard at home"

lans_plug corp
lab_wait 40 is en0 suspect || fail "en0 is '$(zone_of en0)' at the company"
lab_wait 5 quiet || fail "the stream goes on at home"
[ "$(laptop_status '.ports[] | select(.ifname == "host0") | .reason')" = net-other-uplink ] || fail "no reason given"
case_none corp case_tries $CASE_KINDS
echo "closed on both while one is suspect"

heard=$(stamps_heard home)
for _ in {1..20}; do
	ip -n corp link set cable down
	lab_pause 0.02
	ip -n corp link set cable up
	lab_pause 0.2
done
lab_wait 40 is en0 suspect || fail "en0 is '$(zone_of en0)' after the flapping"
[ "$(stamps_heard home)" = "$heard" ] || fail "$(($(stamps_heard home) - heard)) frames at home while the cable flapped"
lans_unplug
from=$(lab_ms)
lab_wait 5 is en0 unknown || fail "en0 is '$(zone_of en0)' without a cable"
lab_wait 30 stamps_hears home "$heard" || fail "personal stays closed without the company's cable"
took=$(($(lab_ms) - from))
[ $took -ge $((window_ms - 500)) ] || fail "open after $took ms: the hold is $window_ms ms"
echo "20 flaps opened nothing; open $took ms after the cable went for good"

lans_plug corp
lab_wait 40 is en0 suspect || fail "en0 is '$(zone_of en0)' at the company"
lab_wait 5 personal_is false || fail "personal is open"
policy 11 "other_uplink: ignore" >"$IT/other.yaml"
pki_sign policy "$IT/other.yaml" && bulkhead policy install "$IT/other.yaml" >/dev/null || fail "the policy is refused"
lab_wait 30 personal_is true || fail "a policy that ignores other uplinks closes"
lab_wait 30 is en0 suspect || fail "en0 is '$(zone_of en0)'"
case_none corp case_tries raw
[ "$(stamps_heard corp)" = 0 ] || fail "$(stamps_heard corp) frames of the stream at the company"
echo "the policy's word for other uplinks holds"

seq=$(laptop_seq)
ip -n bulkhead link set en1 down
ip -n bulkhead link set en1 name old1
ip link add en1 address 02:00:00:00:e0:03 type veth peer name cable2 netns home
ip link set en1 netns bulkhead
told() { case_audited ".seq > $seq and .kind == \"tamper\" and .subject == \"en1\""; }
lab_wait 20 told || fail "nobody is told that another link took the name"
is en1 unknown || is en1 foreign || fail "en1 is '$(zone_of en1)'"
case_end "20 flaps of the company's cable: 0 frames at home, open $took ms after it went"
