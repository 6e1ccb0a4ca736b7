# stamps.sh - a stamped stream of personal's, who hears it, and what the kernel had open. Sourced after
# lab.sh; see stamp.c and grantwatch.c.
#
# shellcheck shell=bash

STAMP=$LAB_TOOLS/stamp

stamps_watch() { # stamps_watch NAMESPACE PORT - what is open, from now on, in $LAB/watch
	: >"$LAB/watch"
	nsenter --net="/run/netns/$1" chrt -f 10 "$LAB_TOOLS/grantwatch" "$2" >>"$LAB/watch" 2>"$LAB/grantwatch.log" </dev/null &
	echo $! >"$LAB/grantwatch.pid"
	disown
	lab_wait 5 grep -qs ready "$LAB/grantwatch.log"
}

stamps_hear() { # stamps_hear NAMESPACE - all of it, in $LAB/NAMESPACE.runs
	rm -f "$LAB/hear-$1.log" "$LAB/$1.runs" # of one before
	lab_start "hear-$1" nsenter --net="/run/netns/$1" "$STAMP" hear "$LAB/$1.runs"
	lab_wait 5 grep -qs ready "$LAB/hear-$1.log"
}

stamps_heard() { # stamps_heard NAMESPACE [udp|tcp] - frames so far
	awk -v k="${2-}" 'k == "" || $1 == k { n += $4 } END { print n + 0 }' "$LAB/$1.runs"
}

stamps_hears() { # stamps_hears NAMESPACE MORE-THAN
	[ "$(stamps_heard "$1")" -gt "$2" ]
}

# stamps_judge NAMESPACE... - after all is stopped; the verdict is in STAMPS_SAID
stamps_judge() {
	local ns files=()
	for ns; do
		lab_stop "hear-$ns"
		! grep lost "$LAB/hear-$ns.log" || return 1
		files+=("$LAB/$ns.runs")
	done
	lab_stop grantwatch
	STAMPS_SAID=$("$STAMP" judge "$LAB/watch" "${files[@]}")
}
