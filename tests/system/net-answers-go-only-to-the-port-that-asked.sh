#!/usr/bin/env bash
# Both ports hold a grant. A host of the LAN answers personal, and also sends straight to both ports,
# with the very ports of the answer: only the real answer arrives, where it was asked for.
# holds: back open
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

came_back() { [ "$(lab_count personal "text:$try-asked")" -gt 2 ]; }

fw_links
ip -n lan route add 100.64.0.0/24 via 192.168.7.50
ip -n lan -6 route add fd62:756c:6b00::/48 via fd07::50
ip netns attach personal $$
lab_record work work eth0
lab_record personal personal bh0
fw_without
seen=$(lab_token without)
lab_in lan "$FW_FORGE" udp $FW_LAN 100.64.0.6 9 4000 "$seen-w4" 3 >/dev/null
lab_in lan "$FW_FORGE" udp $FW_LAN6 fd62:756c:6b00:1::2 9 4000 "$seen-w6" 3 >/dev/null
lab_wait 3 lab_seen work "text:$seen-w4" || fail "the sniffer does not hear v4 at work"
lab_wait 3 lab_seen work "text:$seen-w6" || fail "the sniffer does not hear v6 at work"
fw_reset
fw_with
fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
lab_start echo nsenter --net=/run/netns/lan "$FW_FORGE" echo 9
lab_wait 3 fw_listens udp 9 || fail "the echo server does not start"
try=$(lab_token try)
"$FW_FORGE" udp 100.64.0.2 $FW_LAN 4000 9 "$try-asked" 2 >/dev/null
lab_wait 3 came_back || fail "the answer does not come back"
for to in $FW_LAN $FW_LAN6; do # an error about the question is an answer, too
	[ "$("$FW_FORGE" ask udp 0 $to 4444)" = "Connection refused" ] || fail "an error of $to does not come back"
done
lab_in lan "$FW_FORGE" udp $FW_LAN 100.64.0.6 9 4000 "$try-pull" 3 >/dev/null
lab_in lan "$FW_FORGE" udp $FW_LAN 100.64.0.2 9 4000 "$try-push" 3 >/dev/null
lab_in lan "$FW_FORGE" udp $FW_LAN6 fd62:756c:6b00:1::2 9 4000 "$try-pull6" 3 >/dev/null
lab_in lan "$FW_FORGE" udp $FW_LAN 192.168.7.50 9 4000 "$try-guess" 3 >/dev/null
# work's packets under personal's address, and personal's to work
lab_in work "$FW_FORGE" udp 100.64.0.2 $FW_LAN 4000 9 "$try-stolen" 3 >/dev/null
"$FW_SEND" udp 100.64.0.6 9 "$try-across" 3 >/dev/null
lab_sync work work eth0 && lab_sync personal personal bh0 || fail "a sniffer is stuck"
[ "$(lab_count work "text:$try-pull" "text:$try-pull6" "text:$try-asked" "text:$try-across" | sort -u)" = 0 ] ||
	fail "work hears what it did not ask for"
[ "$(lab_count personal "text:$try-push" "text:$try-stolen" "text:$try-guess" | sort -u)" = 0 ] ||
	fail "personal hears what it did not ask for"
fw_work_pings $FW_LAN && fw_pings $FW_LAN || fail "honest traffic does not pass"
echo "answers arrive at the port that asked, and nothing else does"
