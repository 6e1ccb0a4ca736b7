#!/usr/bin/env bash
# nft, then decide, waits up to 120 ms for its CPU, each time: when the cable goes it closes late
# and is not replaced, nor are the uplinks taken down without it. Then it is stopped: that is no waiting.
# A role that dies while decide's successor is being wired to it is no error either.
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../lab/case.sh"
. "$LAB_TOP/tests/lab/stamps.sh"
case_begin laptop "$@"

fail() {
	echo "$1"
	tail -n 8 "$LAB/bulkheadd.log"
	exit 1
}
is_closed() { tail -n 1 "$LAB/watch" | grep -q '^closed'; }
is_open() { tail -n 1 "$LAB/watch" | grep -q '^open'; }
without() { grep -c "$1 does not \(close\|answer\)" "$LAB/bulkheadd.log" || true; }
starve() { # starve PID - it has a CPU for 30 ms, and none for the next 120
	taskset -p -c "$cpu" "$1" >/dev/null
}
busy() { # at real-time priority: nobody else runs there meanwhile
	exec taskset -c "$cpu" chrt -f 1 bash -c 'while :; do
		until=$((${EPOCHREALTIME/./} + 120000))
		while [ ${EPOCHREALTIME/./} -lt $until ]; do :; done
		read -r -t 0.03 <> <(:)
	done'
}
out_and_in() {
	lab_wait 20 is_open || fail "$1: the home LAN does not open"
	lans_unplug
	lab_wait 3 is_closed || fail "$1: the cable is out, and the grant stands"
	case_zone unknown
	lans_plug home
}

stops() { # stops ROLE - while the grant stands; a router's first word may close it just before
	local n
	for n in 1 2 3 4 5; do
		lab_wait 20 is_open || fail "the home LAN does not open"
		stopped=$(laptop_role_pid "$1")
		kill -STOP "$stopped"
		lab_pause 0.1
		! is_open || return 0
		kill -CONT "$stopped" 2>/dev/null || true # it may have been replaced
	done
	fail "the home LAN does not stay open"
}

cpu=$(taskset -p -c $$ | sed 's/.*[^0-9]//') # the last that we may use
case_laptop
stamps_watch bulkhead host0 || fail "no watch"
lans_plug home
lab_wait 20 is_open || fail "the home LAN does not open"
lab_start busy busy
for role in nft decide; do
	pid=$(laptop_role_pid $role)
	starve "$pid"
	for i in 1 2; do
		out_and_in "$role is late"
	done
	[ "$(laptop_role_pid $role)" = "$pid" ] && [ "$(without $role)" = 0 ] || fail "$role waited for a CPU, and was replaced"
	stops $role
	lans_unplug
	lab_wait 10 laptop_role_replaced $role "$stopped" || fail "$role was stopped, and is not replaced"
	lans_plug home
done
lab_stop busy
case_audited '.kind == "role" and .subject == "nft" and (.detail | startswith("it did not close in time"))' ||
	fail "nobody recorded that nft hung"

# decide's successor is due, and nft is dead when the supervisor goes on: decide comes first.
supervisor=$(laptop_pid)
ended() { [ "$(grep -c 'bulkhead-decide ended' "$LAB/bulkheadd.log")" -gt "$n" ]; }
for i in 1 2 3 4 5; do
	lab_wait 20 is_open || fail "the home LAN does not open"
	n=$(grep -c 'bulkhead-decide ended' "$LAB/bulkheadd.log" || true)
	kill -KILL "$(laptop_role_pid decide)"
	lab_wait 2 ended || fail "decide does not end"
	kill -STOP "$supervisor"
	[ -n "$(laptop_role_pid decide)" ] || break # it is due for 100 ms only
	kill -CONT "$supervisor"
	[ $i -lt 5 ] || fail "decide's successor is always there already"
done
kill -KILL "$(laptop_role_pid nft)"
lab_pause 0.5
kill -CONT "$supervisor"
lab_wait 20 is_open || fail "the home LAN does not open"
! grep -q "Broken pipe" "$LAB/bulkheadd.log" || fail "an error in the log: $(grep -m 1 'Broken pipe' "$LAB/bulkheadd.log")"
grep -q '^<6>bulkheadd: bulkhead-nft is ending' "$LAB/bulkheadd.log" || fail "nothing is said of a role that is ending"
echo "nft and decide closed late, twice each, and were not replaced; stopped, they were"
