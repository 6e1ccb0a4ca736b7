#!/usr/bin/env bash
# Personal holds grants by two uplinks. A flow that began by one never goes on by the other when the route
# changes, though a new one begins there; nor does an error about it, either way; nor when the first grant
# ends and the other stays. To an endpoint of a VPN, and from it, pass errors alone, not "slow down".
# holds: open begin admit forward dispatch vpn_flow back vpn back_vpn
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

far=198.51.100.1 far6=2001:db8:6464::1
flow() { "$FW_FORGE" udp 100.64.0.2 $far "$2" 9 "$token-$1." 3 >/dev/null; }
ask() { "$FW_FORGE" udp 100.64.0.2 $far 4002 7 "$token-$1." 3 >/dev/null; } # nobody answers there
seen() { lab_wait 3 lab_seen "$1" "text:$token-$2." || fail "$2 is not on '$1'"; }
mac() { ip -n bulkhead -o link show "$1" | sed 's/.*ether \([^ ]*\).*/\1/'; }
error() { # error KIND TYPE - of personal, about what came back to it; quoting its head (RFC 792)
	"$LAB_TOOLS/forge" bh0 own "$(mac host0)" ip4 100.64.0.2 $far 1 0 - \
		"${2}03000000000000450000200000400040110000c63364016440000200090fa0000c0000" "$token-$1." 2 >/dev/null
}
error6() { # error6 KIND - the same (RFC 4443 3.1)
	"$LAB_TOOLS/forge" bh0 own "$(mac host0)" ip6 fd62:756c:6b00::2 $far6 58 \
		"010400000000000060000000000c114020010db8646400000000000000000001fd62756c6b000000000000000000000200090fa0000c0000" \
		"$token-$1." 2 >/dev/null
}
answered() { # answered KIND TYPE - the LAN's error, about what was asked
	lab_in lan "$LAB_TOOLS/forge" w0 own "$(mac up0)" ip4 $far 192.168.7.50 1 0 - \
		"${2}03000000000000450000200000400040110000c0a80732c6336401$(printf %04x "$port")0009000c0000" "$token-$1." 2 >/dev/null
}
unseen() { [ "$(lab_count "$1" "text:$token-$2.")" = 0 ] || fail "$2 is on '$1'"; }

fw_links
lab_ns lan2
ip link add up1 type veth peer name w1 netns lan2
ip -n lan2 addr add 192.168.8.1/24 dev w1
ip -n lan2 link set w1 up
"$LAB_TOP/roles/bulkhead-netns" uplink up1
FW_UPLINKS="up0 up1"
fw_with
ip -n bulkhead addr add 192.168.8.50/24 dev up1
ip -n bulkhead addr add fd08::50/64 dev up1 nodad
ip -n lan2 addr add fd08::1/64 dev w1 nodad
ip -n lan2 addr add $far6/128 dev w1 nodad
ip -n lan addr add $far6/128 dev w0 nodad
lab_record lan lan w0
lab_record lan2 lan2 w1
ip netns attach personal $$
lab_record personal personal bh0
ip -n lan addr add $far/32 dev w0
ip -n lan2 addr add $far/32 dev w1
ip -n lan2 route add 192.168.7.50 via 192.168.8.50
lab_start echo nsenter --net=/run/netns/lan "$FW_FORGE" echo-at $far 9
lab_start echo2 nsenter --net=/run/netns/lan2 "$FW_FORGE" echo-at $far 9
listens() { lab_in "$1" busybox netstat -lun | grep -q "$far:9 "; }
lab_wait 5 listens lan && lab_wait 5 listens lan2 || fail "nobody echoes"
froms() { grep -c '^from' "$LAB/$1.log" || true; }
from() { # from ECHO - the port that its last word came from, which is one after $n_ECHO
	local -n before=n_$1
	later() { [ "$(froms "$1")" -gt "$before" ]; }
	lab_wait 5 later "$1" || fail "$1 heard nothing"
	sed -n '$s/from //p' "$LAB/$1.log"
}
for kind in "open 0" "vpn 1"; do
	ip -n bulkhead route replace default via $FW_LAN
	ip -n bulkhead -6 route replace default via $FW_LAN6
	fw_tell none "pair host0 up0 $kind 9000" "pair host0 up1 $kind 9000" "endpoint 17 $far 9" "endpoint 17 $far 7" "endpoint 17 $far6 9" \
		tighten hold
	[ "$FW_ANSWER" = "ack 0" ] || fail "grants: $FW_ANSWER"
	token=$(lab_token "${kind% *}")
	n_echo=$(froms echo) n_echo2=$(froms echo2)
	flow first 4000
	seen lan first
	port=$(from echo)
	"$FW_FORGE" udp fd62:756c:6b00::2 $far6 4000 9 "$token-first6." 3 >/dev/null
	seen lan first6
	ask silent
	seen lan silent
	if [ "$kind" = "vpn 1" ]; then
		error slow 04
		answered slow-back 04
	fi
	error said 03
	error6 said6
	answered said-back 03
	seen lan said
	seen lan said6
	seen personal said-back
	unseen lan slow
	unseen personal slow-back
	ip -n bulkhead route replace default via 192.168.8.1
	ip -n bulkhead -6 route replace default via fd08::1
	flow moved 4000
	ask silent-moved # as new as the first time
	error moved-error 03
	error6 moved-error6
	flow new 4001
	seen lan2 new
	for what in moved silent-moved moved-error moved-error6; do unseen lan2 $what; done
	unseen lan moved
	# nor does its answer come by the other one
	lab_in lan2 "$FW_FORGE" udp $far 192.168.7.50 9 "$port" "$token-answer." 3 >/dev/null
	lab_in lan2 "$FW_FORGE" udp $far 192.168.8.50 9 "$(from echo2)" "$token-right." 3 >/dev/null
	seen personal right
	unseen personal answer
	fw_tell none "pair host0 up1 $kind 9000" "endpoint 17 $far 9" tighten hold
	flow later 4001
	flow again 4000 # its entry went with the grant: it begins anew, by an uplink that it may use
	seen lan2 later
	seen lan2 again
done
echo "a flow of one uplink is not carried on by another"
