#!/usr/bin/env bash
# Every process of Bulkhead is killed while personal streams under its grant at home: the stream ends
# within the grant's five seconds. The cable then goes to the company's LAN: nothing is heard there, and
# nothing opens until the daemon runs again and knows where it is.
# case: 10
# title: the daemon is killed
# expect dom0: closed within the lease of 5 s, and it stays closed
# expect guard: out of reach of personal; the same when it crashes
# expect split: out of reach of personal; the same when it crashes
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
stamps_hear corp && stamps_hear home || fail "no counting sniffer"
case_laptop
stamps_watch bulkhead host0 || fail "no watch"
lans_plug home
case_zone foreign
case_open
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 2000
lab_wait 10 stamps_hears home 100 || fail "the stream is not heard"
silent() {
	local n
	n=$(stamps_heard home)
	lab_pause 1
	[ "$n" = "$(stamps_heard home)" ]
}
last_ms() { # when the last frame was heard (boot and monotonic time are one: no sleep between)
	awk '{ l = $3 } END { printf "%.0f", l / 1000000 }' "$LAB/home.runs"
}
for n in 1 2 3 4 5; do
	pids=$(laptop_pids)
	kill -KILL $pids 2>/dev/null || true
	lab_stop bulkheadd
	killed=$(lab_ms)
	lab_wait 12 silent || fail "the stream goes on"
	took=$(($(last_ms) - killed))
	[ $took -le 0 ] && [ $n -lt 5 ] || break
	laptop_start || fail "bulkheadd does not start again" # a router's word closed it just before
	case_zone foreign
	case_open
done
[ $took -gt 0 ] && [ $took -le 5500 ] || fail "open for $took ms after the kill"
lans_plug corp
case_none corp case_tries $CASE_KINDS
laptop_start || fail "bulkheadd does not start again"
case_zone suspect
case_none corp case_tries $CASE_KINDS
lab_stop stream
[ "$(stamps_heard corp)" = 0 ] || fail "the stream is on the company's LAN"
stamps_judge home corp || fail "late frames: $STAMPS_SAID"
case_end "the stream ended $took ms after the kill"
