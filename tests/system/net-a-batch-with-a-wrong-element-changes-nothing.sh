#!/usr/bin/env bash
# A state that contradicts itself is refused by the kernel as a whole: the grants, prefixes and epoch
# of the state before stay, and nothing of the new one is there.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

fw_links
fw_with
fw_tell none "pair host0 up0 less 0 9000" "prefix 10.77.0.0/16" send
before=$(lab_in bulkhead nft list ruleset | sed -E 's/expires [^ ,]+//; s/(packets|bytes) [0-9]+//g')
fw_tell none "pair vif1.0 up0 open 1 9000" "grant vif1.0 up0 less 1 9000" "prefix 192.168.7.0/24" tighten
[ "$FW_ANSWER" != "ack 0" ] || fail "a contradiction was accepted"
refused=$FW_ANSWER
after=$(lab_in bulkhead nft list ruleset | sed -E 's/expires [^ ,]+//; s/(packets|bytes) [0-9]+//g')
[ "$before" = "$after" ] || fail "the refused batch changed: $(diff <(echo "$before") <(echo "$after") | head -5)"
fw_pings $FW_LAN || fail "the old grant is gone"
! fw_work_pings $FW_LAN || fail "the new grant is there"
fw_tell none "pair host0 up0 open 0 5000" "pair host0 nosuch0 open 0 5000" send
[ "$FW_ANSWER" = "ack 19" ] || fail "an uplink that is not there: $FW_ANSWER"
fw_close
! fw_pings $FW_LAN || fail "a good state after a refused one does not close"
echo "refused with '$refused', and nothing changed"
