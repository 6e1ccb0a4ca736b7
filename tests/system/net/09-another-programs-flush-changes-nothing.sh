#!/usr/bin/env bash
# "nft flush ruleset", as firewalld, Docker and many a script do it: in the host it meets nothing of
# ours. In the namespace, by root, it takes everything away for as long as nft needs to take the
# uplinks down; the log then names the process, and all is loaded anew.
# case: 9
# title: nft flush ruleset by another program
# expect dom0: 0 frames; by root in the namespace: alarm, audit record, closed again within a second
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
case_laptop
lans_plug corp
case_zone suspect
nft 'table inet other { chain o { type filter hook output priority 0; policy accept; }; }'
case_personal nft flush ruleset
case_none corp case_tries $CASE_KINDS
lab_in bulkhead nft list table inet bulkhead >/dev/null || fail "our table is gone"
nft=$(laptop_role_pid nft)
from=$(lab_ms)
lab_in bulkhead nft flush ruleset
told() { case_audited '.kind == "tamper" and .subject == "rules" and (.detail | test("nft"))'; }
lab_wait 10 told || fail "no audit record"
took=$(lab_since "$from")
lab_wait 10 laptop_role_replaced nft "$nft" || fail "nft serves on"
again() { lab_in bulkhead nft list chain netdev bulkhead egress_0 >/dev/null 2>&1; }
lab_wait 10 again || fail "the rules do not come back"
case_none corp case_tries $CASE_KINDS
case_zone suspect
case_none corp case_tries $CASE_KINDS
case_end "told $took s after a flush in the namespace"
