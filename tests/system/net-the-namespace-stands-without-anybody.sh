#!/usr/bin/env bash
# The boot step alone closes: before any daemon, a NIC that comes in is down, and nothing of a port
# passes even when somebody brings it up. The namespace outlives the daemon, its name, and the process
# that holds it, one at a time; a name that was unmounted comes back for the same namespace, never for a
# second one. A NIC that cannot move stays down and is reported.
# limit: 180 s
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab firewall tpm roles laptop; do . "$here/lab/$part.sh"; done
lab_enter "$@"

netns=/usr/libexec/bulkhead/bulkhead-netns
sentinel() { head -n 1 /run/bulkhead-sentinel.pid; }
inode() { stat -Lc %i "$1"; }
inside() { ip netns exec bulkhead ip -br link show dev "$1" >/dev/null 2>&1; }
policies() { lab_in bulkhead nft list ruleset | grep -c 'hook \(forward\|input\|output\|egress\) .*policy drop'; }
other_sentinel() { [ "$(sentinel)" != "$1" ] && [ -e "/proc/$(sentinel)" ]; }
lan() { # a LAN behind en0, whose addresses netguard knows
	ip link add en0 type veth peer name w0 netns lan
	ip -n lan addr add $FW_LAN/24 dev w0
	ip -n lan link set w0 up
}

lab_ns lan
tpm_on
laptop_install
sed -i 's/uplinks: .*/uplinks: [en0, br9]/' $LAPTOP_CONFIG
lan
ip link add br9 type bridge # bridges never leave their namespace
ip link set br9 up

# -- the boot step
bulkheadd --prepare 2>"$LAB/prepare.log" || fail "--prepare: $(<"$LAB/prepare.log")"
inside en0 || fail "the uplink is not inside"
[[ $(ip -n bulkhead -br link show en0) != *[\<,]UP[,\>]* ]] || fail "the uplink is up before anybody guards it"
[[ $(ip -br link show br9) != *[\<,]UP[,\>]* ]] || fail "a NIC that cannot move is still up"
grep -q "uplink 'br9' does not move" "$LAB/prepare.log" || fail "a NIC that cannot move is not reported: $(<"$LAB/prepare.log")"
[ "$(policies)" = 3 ] || fail "the boot step loads $(policies) closed chains, not three"
faults=$(roles_check_one sentinel "$(sentinel)" $LAPTOP_UID_BASE)
[ -z "$faults" ] || fail "the sentinel: $faults"
lab_record lan lan w0
ip -n bulkhead link set en0 up
ip -n bulkhead addr add 192.168.7.50/24 dev en0
ip -n bulkhead route add default via $FW_LAN
lab_in bulkhead nft 'add table ip plain; add chain ip plain n { type nat hook postrouting priority 100; }; add rule ip plain n masquerade'
token=$(lab_token boot)
"$FW_SEND" udp $FW_LAN 9 "$token" 20 >/dev/null
lab_sync lan lan w0 || fail "the sniffer is stuck"
[ "$(lab_count lan "text:$token")" = 0 ] || fail "personal passes before a daemon runs"
lab_in bulkhead nft flush ruleset # what the test without the boot step's rules would be
"$FW_SEND" udp $FW_LAN 9 "$token-seen" 20 >/dev/null
lab_wait 3 lab_seen lan "text:$token-seen" || fail "the sniffer does not hear what the rules stop"

# -- the daemon on top, and gone
laptop_start || fail "bulkheadd does not start"
own=$(inode /run/netns/bulkhead) held=$(sentinel)
nft_up() { [ "$(policies)" = 4 ]; }
lab_wait 10 nft_up || fail "$(policies) closed chains while the daemon runs"
pids=$(laptop_pids)
# shellcheck disable=SC2086 # one word each
kill -KILL $(laptop_pid) $pids 2>/dev/null || true
for pid in $pids; do lab_wait 5 lab_gone "$pid" || fail "process $pid stays"; done
rm -f "$LAB/bulkheadd.pid"
[ -e "/proc/$held" ] && [ "$(policies)" = 4 ] || fail "with everybody killed the rules are gone"

# -- its name is unmounted
umount /run/netns/bulkhead
[ "$(inode "/proc/$held/ns/net")" = "$own" ] || fail "the sentinel is in another namespace"
nsenter --net="/proc/$held/ns/net" ip link show dev en0 >/dev/null || fail "unmounted, the uplink is gone"
$netns up 2>"$LAB/up.log" || fail "up after umount: $(<"$LAB/up.log")"
[ "$(inode /run/netns/bulkhead)" = "$own" ] || fail "'up' made a second namespace"
grep -q "name back" "$LAB/up.log" || fail "nothing is said of the umount"
inside en0 && [ "$(policies)" = 4 ] || fail "after 'up' uplink or rules are gone"
umount /run/netns/bulkhead
ip link add en1 type veth peer name w1 netns lan
$netns uplink en1 2>/dev/null || fail "a NIC that comes while the name is gone is not taken"
inside en1 || fail "it went elsewhere"

# -- who holds it is killed, with and without a daemon that looks
laptop_start || fail "bulkheadd does not start again"
[ "$(sentinel)" = "$held" ] || fail "a second sentinel was started beside the first"
kill -KILL "$held"
lab_wait 5 other_sentinel "$held" || fail "the daemon starts no other sentinel"
[ "$(inode "/proc/$(sentinel)/ns/net")" = "$own" ] || fail "the new sentinel is in another namespace"
laptop_stop
[ -e "/proc/$(sentinel)" ] || fail "the sentinel ended with the daemon"
held=$(sentinel)

# -- the way out
$netns down >"$LAB/down.log"
lab_wait 5 lab_gone "$held" || fail "'down' leaves the sentinel: $(<"$LAB/down.log") $(cat /proc/$held/status | head -8)"
[ ! -e /run/netns/bulkhead ] || fail "'down' leaves the namespace"
for nic in en0 en1; do
	ip link show dev $nic >/dev/null || fail "'down' does not give '$nic' back"
	[[ $(ip -br link show $nic) != *[\<,]UP[,\>]* ]] || fail "'$nic' came back up"
done
if $netns uplink en0 2>/dev/null || [ ! -e /run/bulkhead.released ]; then fail "what was given back is taken in again"; fi
$netns up && $netns uplink en0 || fail "'up' does not take it in again"
echo "closed before the daemon, closed after it; 1 namespace through 2 umounts and 2 kills"
