#!/usr/bin/env bash
# Packets for a host that is not there yet wait behind all rules. Under the grant they leave when the
# host comes; after a tightening they never do, nor when only the epoch has changed.
# holds: egress_ stale
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

queue_then() { # queue_then HOST TOKEN COMMAND - packets queued for HOST, then COMMAND, then HOST comes
	"$FW_SEND" udp "$1" 7777 "$2" 3 >/dev/null
	lab_wait 2 waits "$1" || fail "nothing waits for $1"
	fw_tell none $3
	ip -n lan addr add "$1/24" dev w0
	lab_wait 4 resolved "$1" || true
	fw_pause 1
}
waits() { [[ $(ip -n bulkhead neigh show "$1" dev up0) == *INCOMPLETE* ]]; }
resolved() { [[ $(ip -n bulkhead neigh show "$1" dev up0) == *lladdr* ]]; }

fw_links
lab_record lan lan w0
fw_with
lab_in bulkhead sysctl -qw net.ipv4.neigh.up0.mcast_solicit=20 # seconds to wait, where this machine is slow
fw_grant host0 open 0
kept=$(lab_token kept)
"$FW_SEND" udp 192.168.7.90 7777 "$kept" 3 >/dev/null
lab_wait 2 waits 192.168.7.90 || fail "nothing waits for 192.168.7.90"
ip -n lan addr add 192.168.7.90/24 dev w0
lab_wait 4 lab_seen lan "text:$kept" || fail "under the grant, what waited does not leave"

tightened=$(lab_token tightened)
queue_then 192.168.7.91 "$tightened" tighten
[ "$(lab_count lan "text:$tightened")" = 0 ] || fail "after the tightening, what waited leaves"

# The epoch alone: the pair keeps its grant, so no neighbour is flushed.
fw_grant host0 open 0
turned=$(lab_token turned)
"$FW_SEND" udp 192.168.7.92 7777 "$turned" 3 >/dev/null
lab_wait 2 waits 192.168.7.92 || fail "nothing waits for 192.168.7.92"
fw_tell turn
ip -n lan addr add 192.168.7.92/24 dev w0
lab_wait 4 resolved 192.168.7.92 || fail "the neighbour is not resolved"
fw_pause 1
[ "$(lab_count lan "text:$turned")" = 0 ] || fail "frames of an old epoch leave"
stale=$(fw_counter netdev stale)
[ "$stale" -gt 0 ] || fail "the egress chain counted no frame of an old epoch"
echo "kept: $(lab_count lan "text:$kept") left; tightened: 0; of an old epoch: 0, stopped at the egress chain: $stale"
