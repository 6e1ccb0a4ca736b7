#!/usr/bin/env bash
# Under an open grant a port begins flows of TCP, UDP and echo, and nothing else: no other protocol
# (NAT could not keep two ports apart), no other ICMP than echo. On the LAN personal's flows come
# from 20000 to 39999, work's from 40000 to 59999, whatever port they chose, and never twice the same.
# holds: admit nat
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

own4=100.64.0.2 own6=fd62:756c:6b00::2
try_all() { # try_all TOKEN
	"$FW_FORGE" esp $own4 $FW_LAN "$1-esp4" 3 >/dev/null
	"$FW_FORGE" icmp $own4 $FW_LAN 13 "$1-time4" 3 >/dev/null # RFC 792: timestamp
	"$FW_FORGE" icmp $own4 $FW_LAN 8 "$1-echo4" 3 >/dev/null
	"$FW_FORGE" icmp $own6 $FW_LAN6 139 "$1-node6" 3 >/dev/null # RFC 4620: node information
	"$FW_FORGE" icmp $own6 $FW_LAN6 128 "$1-echo6" 3 >/dev/null
}
heard() { [ "$(grep -c '^from' "$LAB/echo.log")" -ge "$1" ]; }
ports() { sed -n "$1,$2s/^from //p" "$LAB/echo.log"; }

fw_links
lab_record lan lan w0
fw_without
lab_in bulkhead nft 'table ip6 plain { chain n { type nat hook postrouting priority srcnat; oifname "up0" masquerade; }; }'
seen=$(lab_token without)
try_all "$seen"
for kind in esp4 time4 echo4 node6 echo6; do
	lab_wait 3 lab_seen lan "text:$seen-$kind" || fail "the sniffer does not hear $kind"
done
fw_reset
lab_in bulkhead nft delete table ip6 plain

fw_with
fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
[ "$FW_ANSWER" = "ack 0" ] || fail "grants: $FW_ANSWER"
try=$(lab_token with)
try_all "$try"
for kind in echo4 echo6; do
	lab_wait 5 lab_seen lan "text:$try-$kind" || fail "granted, $kind does not pass"
done
for kind in esp4 time4 node6; do
	n=$(lab_count lan "text:$try-$kind")
	[ "$n" = 0 ] || fail "$kind passes $n times"
done

lab_start echo nsenter --net=/run/netns/lan "$FW_FORGE" echo-at $FW_LAN 9001
lab_wait 5 fw_listens udp 9001 || fail "nobody echoes"
for i in 1 2 3 4 5 6; do
	"$FW_FORGE" socket 0 $FW_LAN $((1000 + i)) 9001 "$try-$i" 1 >/dev/null
	lab_wait 5 heard $i || fail "personal's flow $i does not arrive"
done
for i in 1 2 3 4 5 6; do
	lab_in work "$FW_FORGE" socket 0 $FW_LAN $((1000 + i)) 9001 "$try-$i" 1 >/dev/null
	lab_wait 5 heard $((6 + i)) || fail "work's flow $i does not arrive"
done
for port in $(ports 1 6); do
	[ "$port" -ge 20000 ] && [ "$port" -le 39999 ] || fail "personal comes from port $port"
done
for port in $(ports 7 12); do
	[ "$port" -ge 40000 ] && [ "$port" -le 59999 ] || fail "work comes from port $port"
done
# six ports in a row would be a guess
steps=$(ports 1 6 | awk 'NR > 1 { d = $1 - last; if (d < 0) d = -d; if (d > 16) n++ } { last = $1 } END { print n + 0 }')
[ "$steps" -ge 2 ] || fail "the ports of flows follow each other: $(ports 1 6 | xargs)"
# one that lies within the range already is no better
kept=0 n=12
for port in 20101 20102 20103 40101 40102 40103; do
	[ "$port" -lt 40000 ] && who=() || who=(lab_in work)
	"${who[@]}" "$FW_FORGE" socket 0 $FW_LAN $port 9001 "$try-$port" 1 >/dev/null
	n=$((n + 1))
	lab_wait 5 heard $n || fail "the flow from $port does not arrive"
	[ "$(ports $n $n)" != $port ] || kept=$((kept + 1))
done
[ $kept -le 1 ] || fail "$kept of 6 flows keep the port that they chose"
echo "3 kinds stopped; personal from $(ports 1 6 | sort -n | sed -n '1p;$p' | xargs), work from $(ports 7 12 | sort -n | sed -n '1p;$p' | xargs)"
