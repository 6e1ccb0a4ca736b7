#!/usr/bin/env bash
# demo.sh - the main job of Bulkhead, shown in a lab on this one machine. `make demo` runs it.
#
#	XEN=0   leaves out the step in a real hypervisor
#	KEEP=1  leaves the lab up and prints how to explore it
#	STEPS="1 2"  runs only these (and what they need: 0)
set -uo pipefail
cd "$(dirname "$0")/.." || exit 1
here=$PWD/tests
if [ "$(id -u)" != 0 ]; then
	echo "demo: root is needed for network namespaces and nftables; run 'sudo make demo'" >&2
	exit 1
fi

# --- the outer half: starts the lab, and is what Ctrl-C and KEEP=1 meet ---
if [ -z "${LAB_INSIDE-}" ]; then
	if [ -z "${KEEP-}" ]; then
		. "$here/lab/lab.sh"
		lab_enter "$@" # never returns
	fi
	# The lab outlives this shell: it says when the demo is over, and how it went.
	verdict=$(mktemp -u "${TMPDIR:-/tmp}/bulkhead-demo.XXXXXX")
	mkfifo -m 600 "$verdict"
	exec 9<>"$verdict"
	rm -f "$verdict"
	LAB_INSIDE=$PWD setsid unshare --mount --net --pid --fork --kill-child --mount-proc "$BASH" "$0" "$@" &
	lab=$!
	trap 'kill -KILL $lab; exit 130' INT TERM HUP
	until read -r -t 1 -u 9 status; do
		kill -0 $lab 2>/dev/null || { status=1 && break; }
	done
	pid=$(cat "/proc/$lab/task/$lab/children" 2>/dev/null)
	[ -z "$pid" ] || cat <<-TEXT

		The lab stays up. To explore it:
		  nsenter -t ${pid% } -a bulkhead status
		  nsenter -t ${pid% } -a bash        # the laptop; 'ip netns' lists the rest of the world
		  kill -KILL $lab                    # ends all of it
	TEXT
	exit "$status"
fi

# --- the inner half: the lab's pid 1; absence is attested after 10 s, as by any policy that does not say ---
PKI_WINDOW=
. "$here/lab/whole.sh"
. "$here/lab/attacks.sh"
lab_enter "$@"
DEMO_START=$(lab_ms)
declare -A DEMO_TITLE DEMO_GOOD DEMO_BAD
DEMO_STEP=
DEMO_ORDER=()

demo_step() { # demo_step NUMBER TITLE - begins a step
	DEMO_STEP=$1
	DEMO_ORDER+=("$1")
	DEMO_TITLE[$1]=$2
	DEMO_GOOD[$1]=0
	DEMO_BAD[$1]=0
	printf '\n%s. %s\n' "$1" "$2"
}

good() { # good WHAT [MEASURED]
	DEMO_GOOD[$DEMO_STEP]=$((DEMO_GOOD[$DEMO_STEP] + 1))
	printf '   ✔ %-66s %s\n' "$1" "${2-}"
}

bad() { # bad WHAT [MEASURED]
	DEMO_BAD[$DEMO_STEP]=$((DEMO_BAD[$DEMO_STEP] + 1))
	printf '   ✘ %-66s %s\n' "$1" "${2-}"
}

# expect WHAT MEASURED COMMAND... - good when the command succeeds
expect() {
	local what=$1 measured=$2
	shift 2
	if "$@" >>"$LAB/expect.log" 2>&1; then good "$what" "$measured"; else bad "$what" "$measured"; fi
}

demo_table() {
	local step failed=0 mark
	printf '\n'
	for step in "${DEMO_ORDER[@]}"; do
		mark=✔
		if [ "${DEMO_BAD[$step]}" -gt 0 ] || [ "${DEMO_GOOD[$step]}" -eq 0 ]; then
			mark=✘
			failed=1
		fi
		printf ' %s  %s. %-56s %3d of %d\n' $mark "$step" "${DEMO_TITLE[$step]}" \
			"${DEMO_GOOD[$step]}" $((DEMO_GOOD[$step] + DEMO_BAD[$step]))
	done
	printf '\n%s s in all\n' "$(lab_since "$DEMO_START")"
	return $failed
}

demo_logs() { # what a developer wants when something failed; the lab itself is gone by then
	local dir=$LAB_OUT/demo-logs
	rm -rf "$dir"
	mkdir -p "$dir"
	cp "$LAB"/*.log "$LAB"/*.pcap "$dir" 2>/dev/null
	cp -r $LAPTOP_STATE/audit "$dir" 2>/dev/null
	echo "logs, captures and the audit log: ${dir#"$PWD/"}"
}

for file in "$here"/demo/[0-9]*.sh; do
	number=${file##*/}
	number=${number%%-*}
	number=${number#0}
	[ "$number" = 0 ] || [[ " ${STEPS:-$number} " == *" $number "* ]] || continue
	. "$file" || bad "step $number came to its end"
done
demo_table
status=$?
[ $status = 0 ] || demo_logs
if [ -n "${KEEP-}" ]; then
	echo $status >&9
	exec 9>&- >/dev/null 2>&1
	while :; do wait -n 2>/dev/null || lab_pause 3600; done
fi
exit $status
