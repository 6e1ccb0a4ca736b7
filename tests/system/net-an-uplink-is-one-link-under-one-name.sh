#!/usr/bin/env bash
# A grant is for a link, not for whatever is called so. Another uplink takes the name of one that
# personal may use, while nft cannot react: none of personal's frames leave by it, none leave by the
# renamed one, and with the names put right they pass again. Kernel 6.1 keeps an egress chain with its
# device, 6.18 with its name.
# holds: dispatch
# kernels: 6.1 6.18
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
FW_UPLINKS="up0 up1"
lab_enter "$@"

send() { ping -q -c 5 -i 0.2 -W 1 -p "$(printf %s "$1" | od -An -tx1 | tr -d ' \n')" $FW_LAN >/dev/null 2>&1; }

rename() { # rename LINK NAME - (6.1 renames only what is down)
	ip -n bulkhead link set "$1" down
	ip -n bulkhead link set "$1" name "$2"
}

mac() { ip -n "$1" -j link show dev "$2" | jq -r '.[0].address'; } # mac NAMESPACE LINK

# The way out is by what is called up0 now; its neighbour is known: no ARP has to pass.
way() {
	local mac
	mac=$(mac "$1" "$2")
	ip -n bulkhead link set up0 up
	ip -n bulkhead addr replace 192.168.7.50/24 dev up0
	ip -n bulkhead route replace default via $FW_LAN dev up0
	ip -n bulkhead neigh replace $FW_LAN lladdr "$mac" nud permanent dev up0
}

swap() { # the two exchange their names
	rename up0 gone0
	rename up1 up0
	rename gone0 up1
	ip -n bulkhead addr flush dev up1
	ip -n bulkhead link set up1 up
}

fw_links
lab_ns corp
ip link add up1 type veth peer name w1 netns corp
ip -n corp addr add $FW_LAN/24 dev w1
ip -n corp link set w1 up
"$LAB_TOP/roles/bulkhead-netns" uplink up1
ip -n bulkhead link set up1 up
fw_without # grants by name alone: a chain that knows only what up0 is called
lab_in bulkhead nft 'add table inet plain; add chain inet plain f { type filter hook forward priority 0; policy drop; };
	add rule inet plain f iifname . oifname { "host0" . "up0", "up0" . "host0" } accept'
lab_record corp corp w1
lab_record lan lan w0
without=$(lab_token x)
without=${without:0:16}
send "$without" || fail "by the granted link nothing passes"
swap
way corp w1
send "$without" || true
lab_wait 5 lab_seen corp "text:$without" || fail "a name alone does not leak here: this test proves nothing"
leaked=$(lab_count corp "text:$without")
swap
fw_reset
ip -n bulkhead link set up1 down

fw_with
fw_tell none "pair host0 up0 open 0 10000" send
[ "$FW_ANSWER" = "ack 0" ] || fail "grant: $FW_ANSWER"
way lan w0
kill -STOP "$(pgrep -x bulkhead-nft -P "$FW_CHILD")"
# grants that do not end by themselves, however slow this machine is
lab_in bulkhead nft 'flush map inet bulkhead grant; add element inet bulkhead grant {
	"host0" . "up0" : goto open, "up0" . "host0" : goto back, "host0" . "up1" : goto open, "up1" . "host0" : goto back }'
with=$(lab_token y)
with=${with:0:16}
send "$with" || fail "by the granted link nothing passes"
lab_sync lan lan w0
granted=$(lab_count lan "text:$with")
swap
way corp w1
for proto in icmp udp; do
	case $proto in icmp) send "$with" ;; udp) "$FW_SEND" udp $FW_LAN 5001 "$with" 5 >/dev/null ;; esac || true
done
fw_pause 1
ip -n bulkhead neigh replace $FW_LAN lladdr "$(mac lan w0)" nud permanent dev up1
ip -n bulkhead route replace default via $FW_LAN dev up1 onlink
send "$with" || true
fw_pause 1
lab_sync lan lan w0
[ "$(lab_count corp "text:$with")" = 0 ] || fail "$(lab_count corp "text:$with") frames left by the link that took the name"
[ "$(lab_count lan "text:$with")" = "$granted" ] || fail "frames left by the link that was renamed"
ip -n bulkhead route del default dev up1
swap
way lan w0
back=$(lab_token z)
back=${back:0:16}
send "$back" || fail "with the names put right nothing passes"
[ "$(lab_count corp "text:$back")" = 0 ] || fail "frames on the other LAN"
echo "by a name alone $leaked frames of personal on the other LAN, by name and index 0"
