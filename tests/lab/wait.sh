# wait.sh - wait for a condition, with an end. Sourced by the lab, and by tests that need no lab.
#
# shellcheck shell=bash

# lab_wait SECONDS COMMAND... - until COMMAND succeeds; fails when SECONDS have passed.
lab_wait() {
	local limit=$(($(lab_ms) + $1 * 1000))
	shift
	until "$@"; do
		[ "$(lab_ms)" -lt "$limit" ] || return 1
		lab_pause 0.02
	done
}

lab_pause() { # lab_pause SECONDS - on a pipe that nobody writes; a signal ends it
	read -r -t "$1" <> <(:) || true
}

lab_ms() { # milliseconds since boot
	local up
	read -r up _ </proc/uptime
	echo "${up/./}0"
}
