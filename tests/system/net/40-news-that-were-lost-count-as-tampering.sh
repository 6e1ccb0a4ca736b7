#!/usr/bin/env bash
# While nft is stopped, more changes of rules are made in the namespace than its socket holds: when it
# goes on, it does not know what it missed, and treats it as tampering: told, uplinks down, rules anew.
# Personal, granted before, is closed. Log samples that overflow lose samples, never a verdict.
# case: 40
# title: NFLOG or monitor socket overflows (ENOBUFS)
# expect dom0: alarm, closed
# expect guard: out of reach of personal; the same
# expect split: out of reach of personal; the same
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	case_personal "$FW_SEND" udp $FW_LAN 9 "$1-udp4-" 3
	case_personal "$FW_SEND" icmp $FW_LAN "$1-echo-" 3
}
lost() { lab_in bulkhead awk '$2 == 12 { n += $9 } END { print n + 0 }' /proc/net/netlink; }
told() { grep -q '^tamper' "$LAB/nft.log"; }

case_without lan tries udp4 echo
case_with
# Blocked packets by the thousand: whoever samples them may lose samples; nothing passes by it.
lab_start flood "${CASE_AS[@]}" "$LAB_OUT/tests/system/flood" $FW_LAN 9 "$(lab_token flood)-flood-"
case_none lan tries udp4 echo
lab_stop flood
fw_tell none "pair host0 up0 open 0 9000" send
case_some lan tries udp4 echo
pid=$(pgrep -x bulkhead-nft -P "$FW_CHILD")
kill -STOP "$pid"
before=$(lost)
{
	echo "table inet other { set s { type ipv4_addr; }; }"
	echo "add element inet other s { $(for ((k = 0; k < 20000; k++)); do printf "10.%d.%d.1," $((k / 250)) $((k % 250)); done) }"
	echo "delete table inet other"
} >"$LAB/many"
for ((i = 0; i < 40; i++)); do
	lab_in bulkhead nft -f "$LAB/many"
	[ "$(lost)" = "$before" ] || break
done
[ "$(lost)" != "$before" ] || fail "the socket does not overflow"
kill -CONT "$pid"
lab_wait 10 told || fail "nobody is told: $(<"$LAB/nft.log")"
case_none lan tries udp4 echo
fw_tell send
[ "$FW_ANSWER" = "exited 1" ] || fail "nft goes on: $FW_ANSWER"
wait "$FW_CHILD" || true
fw_with
case_none lan tries udp4 echo
case_end "$(grep -m 1 '^tamper' "$LAB/nft.log" || echo "told, and closed")"
