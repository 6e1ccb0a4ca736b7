# wait.sh - wait for a condition, with an end. Sourced by the lab, and by tests that need no lab.
#
# LAB_SLOWER=10: an emulated machine, where every program takes so many times longer. A limit of
# lab_wait is about the lab, so it grows with that, and each look, which costs more there, is as much
# rarer. What the product promises is measured, not waited for: frames are counted, times taken.
#
# shellcheck shell=bash

# lab_wait SECONDS COMMAND... - until COMMAND succeeds; fails when SECONDS have passed.
lab_wait() {
	local slower=${LAB_SLOWER:-1}
	local limit=$(($(lab_ms) + $1 * 1000 * slower)) step
	printf -v step '%d.%02d' $((slower * 2 / 100)) $((slower * 2 % 100))
	shift
	until "$@"; do
		[ "$(lab_ms)" -lt "$limit" ] || return 1
		lab_pause "$step"
	done
}

lab_idle() { # lab_idle SECONDS - when the event is that nothing happens
	local until=$(($(lab_ms) + $1 * 1000))
	while [ "$(lab_ms)" -lt "$until" ]; do
		lab_pause 0.1
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
