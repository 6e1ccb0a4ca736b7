#!/usr/bin/env bash
# Somebody keeps the beacon from the laptop from the start: its packets vanish on the way, while the
# LAN's weak signs are there. Suspect, and it stays so.
# case: 34
# title: the beacon is suppressed from the start, weak hints are there
# expect dom0: suspect; nothing for personal, nothing direct for work
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

work() { lab_in work "$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$1-near-" 3; }

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
lab_in corp nft 'table bridge deaf { chain o { type filter hook output priority 0; udp sport 6262 drop; }; chain i { type filter hook input priority 0; udp dport 6262 drop; }; }' 2>/dev/null ||
	lab_in corp nft 'table inet deaf { chain o { type filter hook output priority 0; udp sport 6262 drop; }; }'
case_laptop
laptop_guest || fail "no work VM"
beacon_start || fail "no beacon"
lans_plug corp
case_none corp case_tries $CASE_KINDS
case_zone suspect
for ((round = 0; round < 4; round++)); do
	case_none corp case_tries $CASE_KINDS
	case_none corp work near
	case $(laptop_zone) in
	suspect | unknown) ;; # an event on the link: nothing looser
	*) fail "it became $(laptop_zone)" ;;
	esac
	lab_pause 1
done
case_end
