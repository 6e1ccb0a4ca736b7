# faults_each.bash - a command that is given the old state, meets faults, and is given again: the old state or
# the new one; one whose transfers are all cut short ends with the new one. For scripts with keys.bash. The
# state is the folder $D; the script says what it means:
#   old, whole      is it the old state, the new one? Exit status
#   at_once         what must hold before anything is given again; nothing, unless the script says it
#   resume=(KEY...) by which `disk resume` ends what began in $D/out/disks/work
#
# shellcheck shell=bash

. tests/system/faults.bash
D=$WORK/d
again=0 n_short=0

vhd() { "$BULKHEAD" vhd "$@" >"$WORK/said" 2>&1; }
shows() { # shows VHD RAW [KEY...] - all of it, by recovery keys
	rm -f "$WORK/x.raw"
	if [ $# = 2 ]; then
		"$OUT/tests/system/vhd_layers" cat "$1" >"$WORK/x.raw"
	else
		"$BULKHEAD" disk export "$1" "$WORK/x.raw" "${@:3}" >"$WORK/said" 2>&1
	fi && cmp -s "$WORK/x.raw" "$2"
}
names() { (cd "$D" && find . | sort); }
begun() { grep -qsa "^bhconvrt" "$D/out/disks/work/leaf.convert"; }
state() { rm -rf "$D" && cp -a "$WORK/$1" "$D"; }

# What began is closed to all, by design; the rest is for resume.
resumed() { # resumed WHEN
	"$BULKHEAD" disk resume "$D/out/disks/work" "${resume[@]}" >"$WORK/said" 2>&1 || fail "$1: no resume: $(cat "$WORK/said")"
	again=$((again + 1))
}

# cut_short WHAT COMMAND... - half of each transfer to or from $D
cut_short() {
	local n
	"$OUT/tests/system/shorten" "$D" "${@:2}" <<<"$PIN" >"$WORK/said" 2>&1 || fail "$1, cut short: $(cat "$WORK/said")"
	n=$(sed -n 's/^shorten: \([0-9]*\) transfers cut$/\1/p' "$WORK/said")
	[ "$n" -gt 0 ] || fail "$1: no transfer was cut short"
	n_short=$((n_short + n))
	whole || fail "$1, cut short: another disk came out"
}

at_once() { :; }
# each_fault WHAT COMMAND... - from the state that is there to what whole() says is the new one; in between
# there is only the old one, after a kill with what the same command takes away
each_fault() {
	local what=$1 how call n same status before after when
	shift
	rm -rf "$WORK/before"
	cp -a "$D" "$WORK/before"
	before=$(names)
	faults_of "$@" <<<"$PIN" >"$WORK/said" 2>&1 || fail "$what: $(cat "$WORK/said")"
	whole || fail "$what: another disk came out"
	after=$(names)
	state before
	cut_short "$what" "$@"
	[ "$(names)" = "$after" ] || fail "$what, cut short, left behind: $(diff <(echo "$after") <(names))"
	while read -r call n same; do
		for how in $(faults_how "$n" "$same"); do
			when="$what, $how at $call $n"
			state before
			status=0
			fault $how "$call" "$n" "$@" <<<"$PIN" >"$WORK/said" 2>&1 || status=$?
			at_once || fail "$when: not even at once"
			if begun; then
				[ $status != 0 ] || fail "$when: it says that it is done"
				resumed "$when"
			elif [ -e "$D/out/disks/work/leaf.old.luks" ]; then # all but its last words
				resumed "$when"
			elif [ $status != 0 ] && [ "$(names)" != "$after" ]; then
				old || fail "$when: the old state is gone: $(names)"
				[ $how = KILL ] || [[ $call == unlink* || $call == rmdir ]] || [ "$(names)" = "$before" ] ||
					fail "$when left behind: $(diff <(echo "$before") <(names))"
				"$@" <<<"$PIN" >"$WORK/said" 2>&1 || fail "$what again after $how at $call $n: $(cat "$WORK/said")"
				again=$((again + 1))
			fi
			whole || fail "$when: exit status $status, and the new state is not whole"
			[ "$(names)" = "$after" ] || fail "$when left behind: $(diff <(echo "$after") <(names))"
		done
	done < <(faults_some)
	state before
}
