#!/usr/bin/env bash
# Each chain that drops counts what it drops, and shows some of it, five a second, under its own name:
# what no grant permits, forged sources, the company's addresses, sockets that may not speak, and what waited
# past its epoch. What the LAN sends is counted, and nobody out there writes a sample.
# holds: blocked spoofed corporate leak stale local_ egress_ forward
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

N=200
samples() { grep -c "^$1 " "$LAB/samples.log" || true; }
sampled() { [ "$(samples "$1")" -gt 0 ]; }
waits() { [[ $(ip -n bulkhead neigh show "$1" dev up0) == *INCOMPLETE* ]]; }
counts() { [ "$(fw_counter "$1" "$2")" -ge "$3" ]; }
some() { # some FAMILY NAME COUNT MAX - counted, at least COUNT, and at most MAX samples
	lab_wait 5 counts "$1" "$2" "$3" || fail "$2: $(fw_counter "$1" "$2") counted of $3"
	lab_wait 5 sampled "$2" || fail "$2: no sample"
	[ "$(samples "$2")" -le "$4" ] || fail "$2: $(samples "$2") samples of $3"
	said+=" $2 $(samples "$2")/$(fw_counter "$1" "$2")"
}
most() { echo $((10 + 8 * (SECONDS - $1 + 1))); } # the burst, the rate, and half as much again

fw_links
fw_with
lab_start samples nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/nflog_hear"
lab_wait 5 grep -qs ready "$LAB/samples.log" || fail "nobody hears samples"
said=

ip -n lan route add 100.64.0.0/16 via 192.168.7.50
lab_in lan "$FW_SEND" udp 100.64.0.2 9 "$(lab_token out)" 20 >/dev/null
lab_wait 5 counts inet blocked 20 || fail "what the LAN sends to a port is not counted"
from=$SECONDS
"$FW_SEND" udp $FW_LAN 9 "$(lab_token blocked)" $N >/dev/null
some inet blocked $((20 + N)) "$(most $from)"
! grep -q "^blocked $FW_LAN" "$LAB/samples.log" || fail "the LAN writes samples"

lab_in lan "$FW_FORGE" udp 100.64.0.2 192.168.7.50 9 9 "$(lab_token claimed)" 20 >/dev/null
lab_wait 5 counts inet spoofed 20 || fail "what the LAN forges is not counted"
from=$SECONDS
"$FW_FORGE" udp 192.0.2.7 $FW_LAN 9 9 "$(lab_token spoofed)" $N >/dev/null
some inet spoofed $((20 + N)) "$(most $from)"
! grep -q "^spoofed 100.64.0.2" "$LAB/samples.log" || fail "the LAN writes samples"

from=$SECONDS
fw_grant host0 less 0 9000
"$FW_SEND" udp $FW_CORP 9 "$(lab_token corporate)" $N >/dev/null
some inet corporate $N "$(most $from)"

from=$SECONDS
lab_in bulkhead "$FW_FORGE" socket 65534 $FW_LAN 9 9 "$(lab_token leak)" $N >/dev/null
some netdev leak $N "$(most $from)"

lab_in bulkhead sysctl -qw net.ipv4.neigh.up0.mcast_solicit=20 # seconds to wait, where this machine is slow
"$FW_SEND" udp 192.168.7.92 7777 "$(lab_token stale)" 80 >/dev/null
lab_wait 2 waits 192.168.7.92 || fail "nothing waits for 192.168.7.92"
fw_tell turn
from=$SECONDS
ip -n lan addr add 192.168.7.92/24 dev w0
some netdev stale 60 "$(most $from)"
echo "samples of what was dropped:$said"
