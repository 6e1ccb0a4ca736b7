#!/usr/bin/env bash
# What carries a tunnel bears its mark, whether a program sends it or the kernel, whose packets have no socket here:
# it leaves for the endpoints of work's VPN on this uplink, v4 and v6, while work may use them; unmarked, to another
# port or host, or without the grant it does not. (The kernel's is played by a link upon the uplink in a
# namespace of its own: 6.18 is often built without WireGuard.)
# holds: local_ egress_
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

VPN=203.0.113.5 VPN6=2001:db8::5 HOST=203.0.113.6 HOST6=2001:db8::6
MARK=0x42570000

marked() { lab_in kernel nft "flush ruleset; table inet m { chain o { type route hook output priority 0; meta l4proto 17 meta mark set $1; }; }"; }
says() { # says KIND MARK ADDRESS PORT - by a program, and by the kernel
	marked "$2"
	FORGE_MARK=$2 lab_in bulkhead "$FW_FORGE" socket 0 "$3" 40000 "$4" "$try-program-$1-" 2 >/dev/null
	lab_in kernel "$FW_SEND" udp "$3" "$4" "$try-kernel-$1-" 2 >/dev/null
}
BAD="plain plain6 port port6 host host6"
tries() { # what leaves only as it should: the right ones, then each with one thing wrong
	try=$1
	says right $MARK $VPN 51820
	says right6 $MARK $VPN6 51820
	says plain 0 $VPN 51820
	says plain6 0 $VPN6 51820
	says port $MARK $VPN 51821
	says port6 $MARK $VPN6 51821
	says host $MARK $HOST 51820
	says host6 $MARK $HOST6 51820
}
heard() { # heard KIND... - those of them that the LAN has, of either sender
	local kind who
	for kind; do
		for who in program kernel; do ! lab_seen lan "text:$try-$who-$kind-" || echo "$who:$kind"; done
	done
}
all() { [ "$(heard "$@" | wc -l)" = $((2 * $#)) ]; }

fw_links
lab_ns kernel
ip -n bulkhead link add k0 link up0 type macvlan mode private
ip -n bulkhead link set k0 netns kernel
ip -n kernel addr add 192.168.7.51/24 dev k0
ip -n kernel addr add fd07::51/64 dev k0 nodad
for a in $VPN $HOST; do ip -n lan addr add $a/32 dev w0; done
for a in $VPN6 $HOST6; do ip -n lan addr add $a/128 dev w0 nodad; done
lab_record lan lan w0
ip -n bulkhead link add tun0 type veth peer name tun1 netns lan
ip -n lan link set tun1 up
lab_record tunnel lan tun1
fw_without
own=$(ip -n bulkhead -o link show tun0 | sed 's/.*ether \([^ ]*\).*/\1/')
own=hex:${own//:/}86dd # (its source, and IPv6)
ip -n bulkhead link set tun0 up
lab_wait 5 lab_seen tunnel "$own" || fail "without rules the kernel says nothing of its own into the tunnel"
ip -n bulkhead link set tun0 down
lab_record tunnel lan tun1 || fail "no sniffer" # from here on
ip -n kernel link set k0 up
ip -n kernel route add default via $FW_LAN
ip -n kernel -6 route add default via $FW_LAN6
# shellcheck disable=SC2086 # words
everything() { all right right6 $BAD; }
tries "$(lab_token out)"
lab_wait 5 everything || fail "without rules the sniffer hears only: $(heard right right6 $BAD | tr '\n' ' ')"
fw_reset
FW_UPLINKS="up0 tunnel:tun0"
fw_with
# into a tunnel itself goes the prober alone: it has no neighbours to find
ip -n bulkhead addr add 10.200.0.2/24 dev tun0
ip -n bulkhead neigh add 10.200.0.1 lladdr 02:00:00:00:00:01 dev tun0
try=$(lab_token tunnel)
into() { lab_in bulkhead "$FW_FORGE" socket "$1" 10.200.0.1 40000 "$2" "$try-$3-" 2 >/dev/null; }
into $((FW_UID_BASE + 5)) 6262 prober
into $((FW_UID_BASE + 5)) 53 other
into 0 6262 root
lab_wait 3 lab_seen tunnel "text:$try-prober-" || fail "the prober does not get into the tunnel"
lab_sync tunnel lan tun1 || fail "the sniffer is stuck"
[ "$(lab_count tunnel "text:$try-other-" "text:$try-root-" | sort -u)" = 0 ] || fail "others get into the tunnel"
[ "$(lab_count tunnel "$own")" = 0 ] || fail "the kernel gets into the tunnel"

tries "$(lab_token closed)"
lab_sync lan lan w0 || fail "the sniffer is stuck"
[ -z "$(heard right right6)" ] || fail "without a grant: $(heard right right6 | tr '\n' ' ')"
fw_tell none "pair vif1.0 up0 vpn 1 5000" "endpoint 17 $VPN 51820" "endpoint 17 $VPN6 51820" hold
tries "$(lab_token vpn)"
lab_wait 5 all right right6 || fail "a tunnel does not reach its endpoint: only $(heard right right6 | tr '\n' ' ')"
lab_sync lan lan w0 || fail "the sniffer is stuck"
# shellcheck disable=SC2086
[ -z "$(heard $BAD)" ] || fail "beside the endpoint: $(heard $BAD | tr '\n' ' ')"
echo "two endpoints, by a program and by the kernel; $((2 * $(wc -w <<<"$BAD"))) others: 0 frames"
