#!/usr/bin/env bash
# A TCP stream and a UDP stream that run under a grant, through renewals: their last frames are on the
# wire before the acknowledgement of the revocation. Granted again, the old TCP flow stays dead and a
# new one runs.
# case: 1
# title: an established flow survives the switch
# expect dom0: 0 frames sent after the acknowledgement
# expect guard: 0 frames sent after the acknowledgement
# expect split: 0 frames sent after the acknowledgement
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

fw_goes_on() { [ "$(fw_after lan "text:$old" "$renewed")" -gt 0 ] && [ "$(fw_after lan "text:$udp" "$renewed")" -gt 0 ]; }

fw_sink
fw_with
fw_grant host0 open 0
old=$(lab_token old) udp=$(lab_token udp)
lab_start stream "${CASE_AS[@]}" "$FW_SEND" tcp $FW_LAN 5001 "$old"
lab_start datagrams "${CASE_AS[@]}" "$FW_SEND" udp $FW_LAN 9 "$udp" 10000
lab_wait 5 lab_seen lan "text:$old" || fail "the stream does not start: $(<"$LAB/stream.log")"
fw_pause 2
renewed=$(lab_now)
lab_wait 2 fw_goes_on || fail "renewals stop a stream"
CASE_HEARD=$(lab_count lan "text:$old")
fw_close
closed=$(lab_now)
fw_pause 1
for flow in "$old" "$udp"; do
	n=$(fw_after lan "text:$flow" "$closed")
	[ "$n" = 0 ] || fail "frames after the acknowledgement: $n"
done
fw_grant host0 open 0
granted=$(lab_now)
new=$(lab_token new)
lab_start stream2 "$FW_SEND" tcp $FW_LAN 5001 "$new"
lab_wait 5 lab_seen lan "text:$new" || fail "no new flow after the new grant"
fw_pause 2
[ "$(fw_after lan "text:$old" "$granted")" = 0 ] || fail "the flow of the old grant came back to life"
CASE_SENT=2
case_end "0 after the acknowledgement"
