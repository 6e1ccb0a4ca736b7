#!/usr/bin/env bash
# A TCP stream that runs under a grant, through renewals: its last frame is on the wire before the
# acknowledgement of the revocation. Granted again, the old flow stays dead and a new one runs.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

fw_goes_on() { [ "$(fw_after lan "text:$old" "$renewed")" -gt 0 ]; }

fw_links
lab_record lan lan w0
fw_with
fw_sink
fw_grant host0 open 0
old=$(lab_token old)
lab_start stream "$FW_SEND" tcp $FW_LAN 5001 "$old"
lab_wait 5 lab_seen lan "text:$old" || fail "the stream does not start: $(<"$LAB/stream.log")"
fw_pause 2
renewed=$(lab_now)
lab_wait 2 fw_goes_on || fail "renewals stop the stream"
fw_close
closed=$(lab_now)
fw_pause 1
[ "$(fw_after lan "text:$old" "$closed")" = 0 ] || fail "frames after the acknowledgement: $(fw_after lan "text:$old" "$closed")"
fw_grant host0 open 0
granted=$(lab_now)
new=$(lab_token new)
lab_start stream2 "$FW_SEND" tcp $FW_LAN 5001 "$new"
lab_wait 5 lab_seen lan "text:$new" || fail "no new flow after the new grant"
fw_pause 2
[ "$(fw_after lan "text:$old" "$granted")" = 0 ] || fail "the flow of the old grant came back to life"
echo "$(lab_count lan "text:$old") frames before, 0 after the acknowledgement"
