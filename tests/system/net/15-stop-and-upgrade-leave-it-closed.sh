#!/usr/bin/env bash
# SIGTERM, other files under the running programs, a start: what was open is closed before the daemon is
# gone, stays so through a change of the network, and the new one begins closed. Shutdown is the first
# half of it.
# case: 15
# title: shutdown, stop, upgrade
# expect dom0: 0 frames after the stop, until it is known anew where the laptop is
# expect guard: the same
# expect split: the same
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
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 5000
lab_wait 10 stamps_hears home 100 || fail "the stream is not heard"
laptop_stop
[ "$(laptop_grants)" = 0 ] || fail "it ended without closing"
n=$(stamps_heard home)
case_none home case_tries near far near6 echo dns flow
new=$(mktemp -d "$LAB/new.XXXX")
cp -a /usr/libexec/bulkhead/. "$new"
mount --bind "$new" /usr/libexec/bulkhead
lans_plug corp
case_none corp case_tries $CASE_KINDS
laptop_start || fail "the new one does not start"
case_none corp case_tries $CASE_KINDS
case_zone suspect
lans_plug home
case_zone foreign
case_open
lab_stop stream
[ "$(stamps_heard corp)" = 0 ] || fail "the stream is on the company's LAN"
stamps_judge home corp || fail "late frames: $STAMPS_SAID"
case_end "$STAMPS_SAID"
