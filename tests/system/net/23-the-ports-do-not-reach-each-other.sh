#!/usr/bin/env bash
# Personal to the work VM and back, over the router both share, by every address each has, closed and
# with both granted: nothing arrives.
# case: 23
# title: personal to the work VM, and back
# expect dom0: 0 frames, both ways
# expect guard: 0 frames, both ways
# expect split: 0 frames, both ways
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

ip netns attach personal $$
case_record work work eth0
case_record bh0 personal bh0
to_work() {
	case_personal "$FW_SEND" udp 100.64.0.6 9 "$1-udp4-" 3
	case_personal "$FW_SEND" udp fd62:756c:6b00:1::2 9 "$1-udp6-" 3
	case_personal "$FW_SEND" icmp 100.64.0.6 "$1-icmp4-" 3
	case_personal "$FW_SEND" icmp fd62:756c:6b00:1::2 "$1-icmp6-" 3
	case_personal "$CASE_FORGE" bh0 own "$work_mac" frame 88b5 "$1-frame-" 3
}
to_personal() {
	lab_in work "$FW_SEND" udp 100.64.0.2 9 "$1-udp4-" 3
	lab_in work "$FW_SEND" udp fd62:756c:6b00::2 9 "$1-udp6-" 3
	lab_in work "$FW_SEND" icmp 100.64.0.2 "$1-icmp4-" 3
	lab_in work "$FW_SEND" icmp fd62:756c:6b00::2 "$1-icmp6-" 3
	lab_in work "$CASE_FORGE" eth0 own "$bh0_mac" frame 88b5 "$1-frame-" 3
}
work_mac=$(ip -n work -o link show eth0 | sed 's/.*ether \([^ ]*\).*/\1/')
bh0_mac=$(</sys/class/net/bh0/address)
kinds="udp4 udp6 icmp4 icmp6"

# shellcheck disable=SC2086 # words
case_without work to_work $kinds
# shellcheck disable=SC2086
case_without bh0 to_personal $kinds
case_with
for grants in none open; do
	[ $grants = none ] || fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
	# shellcheck disable=SC2086
	case_none work to_work $kinds frame
	# shellcheck disable=SC2086
	case_none bh0 to_personal $kinds # (its own frames are on its own link)
done
case_end
