#!/usr/bin/env bash
# Less the corporate prefixes: v4 and its forms in v6 (NAT64, 6to4, Teredo, IPv4-translated, ISATAP)
# are cut, also for a flow that was established before, and for questions to a name server there, as a port
# may ask its own; and everything else passes; in a portal's pen, of that web pages alone.
# holds: open_less_corporate portal dispatch back
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

# 10.77.3.1 by other names; the last one ends like ISATAP's and is none
forms="2002:a4d:301::1 2001:0:cb00:7105::1 ::ffff:0:a4d:301 fd09::5efe:a4d:301 fd09::200:5efe:a4d:301"
other=fd09::1:5efe:a4d:301

fw_links
for host in $forms $other; do
	ip -n lan addr add "$host/128" dev w0 nodad
done
lab_record lan lan w0
fw_with
fw_grant host0 open 0
for host in $FW_LAN $FW_LAN6 $FW_CORP $FW_CORP6 $forms $other; do
	fw_pings "$host" || fail "open: $host does not answer"
done
asks() { # asks TOKEN
	"$FW_FORGE" udp 100.64.0.2 $FW_CORP 4000 53 "$1" 2 >/dev/null
}
question=$(lab_token question)
asks "$question"
lab_wait 5 lab_seen lan "text:$question" || fail "open: no question arrives"
fw_sink
stream=$(lab_token stream)
lab_start stream "$FW_SEND" tcp $FW_CORP 5001 "$stream"
lab_wait 5 lab_seen lan "text:$stream" || fail "the stream does not start"
fw_grant host0 less 0
from=$(lab_now)
for host in $FW_CORP $FW_CORP6 $forms; do
	! fw_pings "$host" || fail "less corporate: $host answers"
done
question=$(lab_token question)
asks "$question"
for host in $FW_LAN $FW_LAN6 $other; do
	fw_pings "$host" || fail "less corporate: $host does not answer"
	[ "$("$FW_FORGE" ask tcp 0 $host 5001)" = answer ] || fail "less corporate: TCP to $host is not answered"
done
[ "$(fw_after lan "text:$stream" "$from")" = 0 ] || fail "an established flow goes on"
! lab_seen lan "text:$question" || fail "less corporate: a question arrives"
fw_tell none "pair host0 up0 less 0 5000" "prefix 192.168.0.0/17" "prefix 192.168.128.0/17" \
	"prefix 192.168.7.0/24" "prefix fd00::/8" "prefix 0.0.0.0/8" "prefix 255.255.255.255/32" hold
[ "$FW_ANSWER" = "ack 0" ] || fail "nested and touching prefixes: $FW_ANSWER"
! fw_pings $FW_LAN || fail "a nested prefix does not cut v4"
! fw_pings $FW_LAN6 || fail "a prefix does not cut v6"
fw_pings $FW_CORP || fail "a prefix that was replaced still cuts"

# Less still, for the page of a captive portal.
sysctl -qw net.ipv4.tcp_fastopen=5
fw_tell none "pair host0 up0 portal 0 5000" "prefix 10.77.0.0/16" hold
try=$(lab_token portal)
for to in "new $FW_LAN 80 $try-web" "new $FW_LAN6 443 $try-six" "new $FW_LAN 22 $try-no" "udp $FW_LAN 80 $try-no" \
	"icmp $FW_LAN $try-no" "new $FW_CORP 80 $try-no" "new $FW_CORP6 80 $try-no"; do
	# shellcheck disable=SC2086 # words
	"$FW_SEND" $to 2 >/dev/null
done
lab_wait 3 lab_seen lan "text:$try-web" && lab_wait 3 lab_seen lan "text:$try-six" || fail "no page through the portal"
[ "$(lab_count lan "text:$try-no")" = 0 ] || fail "through the portal goes more than pages of the LAN"
echo "cut: $(fw_counter inet corporate) packets"
