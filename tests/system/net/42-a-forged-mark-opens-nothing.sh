#!/usr/bin/env bash
# The personal OS marks its packets with the epoch that may leave, and with every class's conntrack
# mark, by SO_MARK and by rules of its own: a mark ends at the border of its namespace. In the
# namespace, as root, a marked packet has a local socket, and that stops it.
# holds: egress_ local_
# case: 42
# title: forged SO_MARK
# expect dom0: 0 frames, also by root in the namespace
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

marks="0x42480001 0x42480002 0x01000001 0xffffffff"
tries() {
	local m
	for m in $marks; do
		case_personal "$FW_FORGE" frame bh0 0 "$m" "$1-frame-$m-" 3
		case_personal nft -f - <<-NFT
			table inet marks
			delete table inet marks
			table inet marks { chain o { type route hook output priority 0; meta mark set $m ct mark set $m; }; }
		NFT
		case_personal "$FW_SEND" udp $FW_LAN 9 "$1-rule-$m-" 3
		case_personal "$FW_SEND" udp $FW_LAN6 9 "$1-rule6-$m-" 3
	done
}
inside() {
	local m
	for m in $marks; do lab_in bulkhead "$FW_FORGE" frame up0 0 "$m" "$1-inside-$m-" 3; done
}
kinds=
for m in $marks; do kinds+=" rule-$m rule6-$m"; done

# shellcheck disable=SC2086 # words
case_without lan tries $kinds
# shellcheck disable=SC2086
case_without lan inside ${marks//0x/inside-0x}
case_with
# shellcheck disable=SC2086
case_none lan tries $kinds ${marks//0x/frame-0x}
# shellcheck disable=SC2086
case_none lan inside ${marks//0x/inside-0x}
fw_tell none "pair vif1.0 up0 open 1 5000" hold # an epoch and a class that are live, of another port
# shellcheck disable=SC2086
case_none lan tries $kinds ${marks//0x/frame-0x}
# shellcheck disable=SC2086
case_none lan inside ${marks//0x/inside-0x}
case_end "four marks, three ways"
