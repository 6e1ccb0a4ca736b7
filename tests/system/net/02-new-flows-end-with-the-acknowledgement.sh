#!/usr/bin/env bash
# Personal starts 20,000 flows a second, one datagram each, while its grant is given and taken thirty
# times: no datagram that was sent after a revocation was acknowledged is on the wire.
# case: 2
# title: new flows during the switch
# expect dom0: 0 frames sent after the acknowledgement
# expect guard: 0 frames sent after the acknowledgement
# expect split: 0 frames sent after the acknowledgement
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin fw "$@"

stamps_hear lan || fail "the counting sniffer does not start"
fw_without
lab_start flows "${CASE_AS[@]}" "$STAMP" send $FW_LAN 9 20000 fresh
lab_wait 5 stamps_hears lan 1000 || fail "without Bulkhead the sniffer does not hear the flows"
lab_stop hear-lan
CASE_HEARD=$(stamps_heard lan)
case_with
stamps_watch bulkhead host0 || fail "no watch: $(<"$LAB/grantwatch.log")"
stamps_hear lan
for ((i = 0; i < 30; i++)); do
	fw_tell none "pair host0 up0 open 0 5000" send
	lab_pause 0.04
	fw_tell none tighten
	[ "$FW_ANSWER" = "ack 0" ] || fail "close: $FW_ANSWER"
	lab_pause 0.04
done
lab_stop flows
CASE_SENT=1
stamps_judge lan || fail "late frames: ${STAMPS_SAID-}"
[ "$(stamps_heard lan)" -gt 1000 ] || fail "no frames under the grants: $STAMPS_SAID"
[ "$(awk '$1 == "open" { n++ } END { print n + 0 }' "$LAB/watch")" -ge 30 ] || fail "the watch missed openings"
case_end "30 switches under $(sed 's/ refused.*//' "$LAB/flows.log") flows: $STAMPS_SAID"
