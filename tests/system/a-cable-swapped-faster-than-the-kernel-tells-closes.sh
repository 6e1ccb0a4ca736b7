#!/usr/bin/env bash
# The kernel tells of a carrier within a second, and joins what happens within: a cable that goes from
# home to the company without a pause shows one message, with a carrier. That message closes, for good:
# a moved count of losses is another link. (Copper is silent for longer: IEEE 802.3 28.3.2, 1.2 s.)
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

closed() { tail -n 1 "$LAB/watch" | grep -q ^closed; }
swap() { # without a capture
	lans_unplug
	ip -n nowhere link set cable netns "$1"
	ip -n "$1" link set cable master br0
	ip -n "$1" link set cable up
}
still() { # no frame that was sent after the closing is heard at the company
	local at
	at=$(tail -n 1 "$LAB/watch" | cut -d' ' -f2)
	lab_pause 1
	awk -v at="$at" '$2 > at { late = 1 } END { exit late }' "$LAB/corp.runs"
}

stamps_hear corp && stamps_hear home || fail "no counting sniffer"
case_laptop
stamps_watch bulkhead host0 || fail "no watch"
lab_start stream "${CASE_AS[@]}" "$STAMP" send $LAN_SERVER 9 10000
heard=0
for ((n = 0; n < 4; n++)); do
	swap home
	case_zone foreign
	case_open
	before=$(stamps_heard home)
	lab_wait 10 stamps_hears home "$before" || fail "the stream is not heard at home"
	swap corp
	lab_wait 3 closed || fail "a fast swap does not close"
	still || fail "open after a fast swap"
	case_zone suspect
	heard=$(stamps_heard corp)
done
lab_stop stream
stamps_judge home corp || fail "late frames: $STAMPS_SAID"
echo "4 swaps: $STAMPS_SAID; before the kernel told: $heard"
