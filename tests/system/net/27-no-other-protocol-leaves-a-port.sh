#!/usr/bin/env bash
# 802.1X, LLDP, CDP, VLAN and QinQ tags, PPPoE, MACsec, spanning tree, flow control, Wake-on-LAN: frames
# with which a switch is spoken to, sent by the personal OS to their groups, to its port and to all. A
# port routes IP and nothing else.
# case: 27
# title: EAPOL, LLDP, VLAN-tagged, QinQ, PPPoE frames from personal
# expect dom0: 0 frames
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

inner=0800450000300000000040110000c0a80732c0a8070100090009001c0000
tries() {
	local to kind
	for kind in eapol:01:80:c2:00:00:03:888e01010000 eaplogoff:01:80:c2:00:00:03:888e02020000 \
		eapid:01:80:c2:00:00:03:888e0200000902010009016d616c \
		lldp:01:80:c2:00:00:0e:88cc02070402424800000104020561060200780000 \
		cdp:01:00:0c:cc:cc:cc:0022aaaa0300000c200002b4 \
		vlan:ff:ff:ff:ff:ff:ff:81000009$inner prio:ff:ff:ff:ff:ff:ff:81000000$inner \
		qinq:ff:ff:ff:ff:ff:ff:88a8000981000009$inner double:ff:ff:ff:ff:ff:ff:8100000981000009$inner \
		pppoe:ff:ff:ff:ff:ff:ff:886311090000000401010000 pppoes:ff:ff:ff:ff:ff:ff:8864110000010020c021 \
		macsec:ff:ff:ff:ff:ff:ff:88e52c0000000001 stp:01:80:c2:00:00:00:0026424203000000 \
		pause:01:80:c2:00:00:01:88080001ffff wol:ff:ff:ff:ff:ff:ff:0842ffffffffffff \
		mpls:ff:ff:ff:ff:ff:ff:884700009140 local:ff:ff:ff:ff:ff:ff:88b5; do
		for to in "$(cut -d: -f2-7 <<<"$kind")" "$port"; do
			$run "$CASE_FORGE" $from own "$to" frame "${kind##*:}" "$1-${kind%%:*}-" 2
		done
	done
}
kinds="eapol eaplogoff eapid lldp cdp vlan prio qinq double pppoe pppoes macsec stp pause wol mpls local"

port=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
run="lab_in bulkhead" from=up0
# shellcheck disable=SC2086 # words
case_without lan tries $kinds
case_with
run=case_personal from=bh0
case_record host0 bulkhead host0
case_record work work eth0
for grants in none open; do
	[ $grants = none ] || fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
	# shellcheck disable=SC2086
	case_none lan tries $kinds
	# shellcheck disable=SC2086
	case_none work tries $kinds
done
# shellcheck disable=SC2086
case_some host0 tries $kinds
# The tagged ones are no way in by a link that somebody makes for them, either.
if ip -n bulkhead link add link host0 name host0.9 type vlan id 9 2>/dev/null; then
	ip -n bulkhead link set host0.9 up
	case_none lan tries vlan qinq double
fi
case_end "they reach port host0, and end there"
