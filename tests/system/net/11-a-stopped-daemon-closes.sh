#!/usr/bin/env bash
# bulkhead-nft or bulkhead-decide alone is stopped while personal streams under its grant at home, and
# cannot be started anew either; then a sign is heard, or (decide) the cable goes to the company's LAN:
# the supervisor closes without it. Then every process of Bulkhead is stopped: the stream ends within
# the grant's five seconds. The cable then goes to the company's LAN: nothing is heard there, and nothing
# opens when the processes go on: they find out first where they are.
# case: 11
# title: the daemon hangs (SIGSTOP)
# expect dom0: nft or decide alone: closed without it, within 0.1 s of the sign on an idle machine; all of it: within the lease of 5 s, and it stays closed
# expect guard: out of reach of personal; the same when it hangs
# expect split: out of reach of personal; the same when it hangs
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

is_closed() { # in the kernel: no grant of personal
	tail -n 1 "$LAB/watch" | grep -q '^closed'
}
passes() { # passes MS - is the stream heard later than that?
	[ "$(last_ms)" -gt "$1" ]
}
stop_open() { # stop_open COMMAND... - the processes that it names, in $stopped, while the stream passes: a
	# router's word may close it just before
	local n
	for n in 1 2 3 4 5; do
		case_open
		stopped=$("$@")
		kill -STOP $stopped
		at=$(lab_ms)
		! lab_wait 1 passes "$at" || return 0
		kill -CONT $stopped 2>/dev/null || true # some may have been replaced
	done
	fail "the home LAN does not stay open"
}
hang() { # hang ROLE - stopped, and its like cannot be started
	stop_open laptop_role_pid "$1"
	hung=$stopped
	mount --bind /bin/false "/usr/libexec/bulkhead/bulkhead-$1"
}
mend() { # mend ROLE WORDS - told, replaced, and home again
	umount -l "/usr/libexec/bulkhead/bulkhead-$1"
	lab_wait 10 laptop_role_replaced "$1" "$hung" || fail "$1 is not started anew"
	lab_wait 5 case_audited ".kind == \"role\" and .subject == \"$1\" and (.detail | contains(\"$2\"))" ||
		fail "nobody recorded that $1 hung"
	lans_unplug # what was heard there is forgotten
	case_zone unknown
	lans_plug home
	case_zone foreign
	case_open
}
sign_ends_it() { # sign_ends_it ROLE - LLDP: the carrier stays, and nothing but what is done about it
	# keeps the stream from the wire; ms to the last frame, in ALONE
	local sign
	sign=$(lab_ms)
	lab_in home "$CASE_FORGE" cable own 01:80:c2:00:00:0e frame 88cc02070402000000000104020531060200780000 \
		"$(lab_token lldp)" 1 >/dev/null || fail "no LLDP frame"
	lab_wait 12 silent || fail "$1 is stopped, and the stream goes on behind a sign"
	ALONE=$(($(last_ms) - sign))
	[ $ALONE -ge 0 ] && [ $ALONE -le 1000 ] || fail "$1 is stopped: open for $ALONE ms after the sign"
}

hang nft
sign_ends_it nft
! ip -n bulkhead link show en0 | grep -q ",UP" || fail "nft is stopped, and the uplink is up"
said="nft stopped: $ALONE ms"
mend nft "did not close in time"

hang decide
sign_ends_it decide
said+=", decide stopped: $ALONE ms"
mend decide "did not answer in time"

sniff=$(laptop_role_pid sniff)
kill -STOP "$sniff" # a chance frame would be a sign: here the kernel's word alone is to do it
hang decide
lost=$(lab_ms)
lans_unplug
lab_wait 3 is_closed || fail "decide is stopped, the cable out for 3 s, and the grant stands"
took=$(($(lab_ms) - lost))
[ $took -le 1000 ] || fail "decide is stopped: the grant stood for $took ms without a cable"
said+=", the cable out: $took ms"
kill -CONT "$sniff"
lans_plug corp
case_none corp case_tries $CASE_KINDS
mend decide "did not answer in time"

stop_open laptop_pids
lab_wait 12 silent || fail "the stream goes on"
took=$(($(last_ms) - at))
[ $took -gt 0 ] && [ $took -le 5500 ] || fail "open for $took ms after the stop"
lans_plug corp
case_none corp case_tries $CASE_KINDS
kill -CONT $stopped 2>/dev/null # not of the children of dhcpcd that ended
case_zone suspect
case_none corp case_tries $CASE_KINDS
lab_stop stream
[ "$(stamps_heard corp)" = 0 ] || fail "the stream is on the company's LAN"
stamps_judge home corp || fail "late frames: $STAMPS_SAID"
case_end "closed after the sign with $said; $took ms after the stop of all"
