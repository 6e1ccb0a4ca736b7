#!/usr/bin/env bash
# Before the first grant no packet of a port leaves, v4, v6, UDP, TCP, ICMP; what the kernel itself
# sends when the link comes up is neighbour discovery and group membership. A granted flow passes.
# holds: dispatch open back nat names source headers forward
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

try_all() { # try_all TOKEN
	"$FW_SEND" udp $FW_LAN 9 "$1-udp4" 3 >/dev/null
	"$FW_SEND" udp $FW_LAN6 9 "$1-udp6" 3 >/dev/null
	"$FW_SEND" icmp $FW_LAN "$1-icmp4" 3 >/dev/null
	"$FW_SEND" icmp $FW_LAN6 "$1-icmp6" 3 >/dev/null
	"$FW_SEND" udp $FW_LAN 53 "$1-dns" 3 >/dev/null
}

fw_links
lab_record lan lan w0
fw_without
seen=$(lab_token without)
try_all "$seen"
for kind in udp4 udp6 icmp4 icmp6 dns; do
	lab_wait 3 lab_seen lan "text:$seen-$kind" || fail "the sniffer does not hear $kind"
done

fw_reset
lab_stop wire-lan
lab_record lan2 lan w0
fw_with
closed=$(lab_token closed)
try_all "$closed"
! fw_pings $FW_LAN || fail "ping passes without a grant"
! fw_work_pings $FW_LAN || fail "work's ping passes without a grant"

fw_grant host0 open 0
granted=$(lab_token granted)
try_all "$granted"
for kind in udp4 udp6 icmp4 icmp6 dns; do
	lab_wait 3 lab_seen lan2 "text:$granted-$kind" || fail "granted, $kind does not pass"
done
fw_pings $FW_LAN || fail "granted, no answer comes back (v4)"
# an answer whose checksum stands where the port of names would, and is that
ip netns attach personal $$
lab_record personal personal bh0
"$LAB_TOOLS/forge" bh0 own "$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')" \
	ip4 100.64.0.2 $FW_LAN 1 0 - 0800000000070001ffc2 "" 2 >/dev/null
lab_wait 3 lab_seen personal hex:0000003500070001ffc2 || fail "granted, an answer is taken for a question of names"
fw_pings $FW_LAN6 || fail "granted, no answer comes back (v6)"
! fw_work_pings $FW_LAN || fail "work passes under personal's grant"
[ "$(lab_count lan2 "text:$closed")" = 0 ] || fail "closed, yet on the wire: $(lab_count lan2 "text:$closed")"
own4=$(lab_count lan2 ip:100.64.0.2) own6=$(lab_count lan2 ip:fd62:756c:6b00::2)
[ "$own4 $own6" = "0 0" ] || fail "a port's own address is on the wire: $own4 and $own6 times"
echo "closed: 0 of $(lab_count lan2 all) frames are personal's; granted: all kinds pass"
