#!/usr/bin/env bash
# Under personal's open grant: what a helper would expect (FTP's data connection, either way), what is
# "related" by its claim, fragments that hide the port or overlap, IP options with source routes and
# timestamps, IPv6 routing headers, protocols without ports. Nothing of it passes, in either direction.
# holds: headers forward open back
# case: 41
# title: helper's RELATED, fragmented first packet, IP options
# expect dom0: dropped
# expect guard: dropped
# expect split: dropped
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

host0=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
ports=0fa0000900000000
syn=0fa0000900000001000000005002ffff00000000
four() { # four KIND PROTOCOL FRAGMENT OPTIONS HEX
	case_personal "$CASE_FORGE" bh0 own "$host0" ip4 100.64.0.2 $FW_LAN "$2" "$3" "$4" "$5" "$token-$1-" 3
}
six() { # six KIND PROTOCOL HEX
	case_personal "$CASE_FORGE" bh0 own "$host0" ip6 fd62:756c:6b00::2 $FW_LAN6 "$2" "$3" "$token-$1-" 3
}
tries() {
	local token=$1
	four ack 6 0 - "${syn/5002/5010}"          # the middle of a flow that never began
	four synack 6 0 - "${syn/5002/5012}"
	four fin 6 0 - "${syn/5002/5001}"
	four null 6 0 - "${syn/5002/5000}"
	four xmas 6 0 - "${syn/5002/503f}"
	four sctp 132 0 - "$ports"
	four gre 47 0 - 00000800
	four esp 50 0 - 4248000100000001
	four ipip 4 0 - 45000014
	four igmp 2 0 - 16000000e0000009
	four lsrr 17 0 830704c0a8070900 "$ports"   # RFC 791 3.1: loose, strict source route, record route,
	four ssrr 17 0 890704c0a8070900 "$ports"
	four record 17 0 0707040000000000 "$ports" # time stamps, router alert, no operation
	four stamps 17 0 4408050000000000 "$ports"
	four alert 17 0 94040000 "$ports"
	four noop 17 0 01010100 "$ports"
	four unasked 1 0 - 0301000000000000450000200000400040110000c0a8073264400002
	six routing 43 1102040000000000fd0700000000000000000000000000010fa0000900000000
	six destination 60 11000104000000000fa0000900000000
	six hop 0 11000502000001000fa0000900000000
	six fragment 44 1100000100004248
	six ah 51 1104000000004248000000010000000000000000
	six nothing 59 00
	four late 17 2001 - "$ports"               # a piece without its beginning
	four end 17 00b9 - "$ports"
}
kinds="ack synack fin null xmas sctp gre esp ipip igmp unasked"
broken="lsrr ssrr record stamps alert noop routing fragment late end"
rest="hop destination ah nothing"

honest() { four honest 17 0 - "$ports"; }
honest_try() { local token=$1; honest; }

# shellcheck disable=SC2086 # words
case_without lan tries sctp gre ack null record stamps alert noop routing hop destination
case_with
fw_grant host0 open 0
# shellcheck disable=SC2086
case_none lan tries $kinds $broken $rest
case_some lan honest_try honest

# A flow of personal's to port 21: nobody watches it for a PORT command, and nothing it names opens.
ip netns attach personal $$
case_record bh0 personal bh0
lab_start ftp nsenter --net=/run/netns/lan busybox nc -ll -p 21 -e /bin/cat
lab_wait 3 fw_listens tcp 21 || fail "the server does not start"
lab_start control "${CASE_AS[@]}" "$FW_SEND" tcp $FW_LAN 21 "PORT 192,168,7,50,78,32"
lab_wait 5 lab_seen lan "text:PORT 192" || fail "the control connection does not start"
token=$(lab_token data)
lab_in lan "$FW_FORGE" udp $FW_LAN 192.168.7.50 20 20000 "$token-udp-" 3 >/dev/null
lab_in lan "$CASE_FORGE" w0 own "$(ip -n bulkhead -o link show up0 | sed 's/.*ether \([^ ]*\).*/\1/')" \
	ip4 $FW_LAN 192.168.7.50 6 0 - "00144e2000000001000000005002ffff00000000" "$token-tcp-" 3 >/dev/null
# errors that quote a flow which nobody has
lab_in lan "$CASE_FORGE" w0 own "$(ip -n bulkhead -o link show up0 | sed 's/.*ether \([^ ]*\).*/\1/')" \
	ip4 $FW_LAN 192.168.7.50 1 0 - "0303000000000000450000200000400040110000c0a80732c0a8070152090009000c0000" "$token-icmp-" 3 >/dev/null
case_expect_none bh0 "$token" udp tcp icmp
case_end "honest traffic passes"
