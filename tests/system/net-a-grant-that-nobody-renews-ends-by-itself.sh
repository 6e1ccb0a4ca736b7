#!/usr/bin/env bash
# A grant of two seconds, sent once: the path closes without anybody doing anything. The same when
# only the wall clock passes its bound, as after a suspend, in which jiffies stand still.
# holds: forward dispatch
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

closed() { ! fw_pings $FW_LAN; }

fw_links
fw_with
fw_tell none "pair host0 up0 open 0 2000" send
from=$(lab_ms)
fw_pings $FW_LAN || fail "granted, ping does not pass"
lab_wait 5 closed || fail "still open after $(lab_since "$from") s"
took=$(lab_since "$from")
fw_tell none "pair host0 up0 open 0 9000" "bound 2" send
fw_pings $FW_LAN || fail "granted with a bound, ping does not pass"
lab_wait 5 closed || fail "the wall-clock bound does not close"
fw_tell none "pair host0 up0 open 0 9000" "bound 0" send
closed || fail "open though the bound has passed"
echo "a grant of 2 s ended after $took s (a ping waits up to 1 s)"
