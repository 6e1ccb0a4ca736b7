#!/usr/bin/env bash
# A WireGuard tunnel of netguard's own (the kernel's where it has one, else in user space): its packets
# leave for the policy's endpoint alone, only where and while work may use that, and marked. Work goes
# through it; personal never does, and neither gets round it by a route that the LAN hands out.
# holds: local_ egress_
# case: 38
# title: VPN to the company from home: the personal OS in it, routes of the LAN round it (DHCP 121)
# expect dom0: personal 0 frames; round it 0 frames in the clear
# expect guard: the same
# expect split: the same
# kernels: 6.1 6.18
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
WG=$LAB_TOP/out/peers/usr/bin
[ -x "$WG/wg" ] || WG=/usr/bin
[ -x "$WG/wg" ] || lab_skip "there is no wg: run 'make peers'"
modinfo wireguard >/dev/null 2>&1 || [ -x "$WG/wireguard-go" ] || lab_skip "out/peers has no wireguard-go: run 'make peers'"
[ -e /dev/net/tun ] || modinfo wireguard >/dev/null 2>&1 || lab_skip "this kernel has neither wireguard nor tun"
lab_enter "$@"
CASE_NUMBER=$(case_header "$0" case)

VPN=203.0.113.5 HOST=203.0.113.6
MARK=0x42570000
FW_UPLINKS="up0 tunnel:wg0"

tunnel() { # tunnel NAMESPACE LINK ADDRESS - not yet configured
	ip -n "$1" link add "$2" type wireguard 2>/dev/null || {
		lab_start "$2" nsenter --net="/run/netns/$1" "$WG/wireguard-go" -f "$2"
		lab_wait 5 test -S "/run/wireguard/$2.sock" || fail "wireguard-go does not start: $(cat "$LAB/$2.log")"
	}
	(umask 077 && "$WG/wg" genkey >"$LAB/$2.key")
	lab_in "$1" "$WG/wg" set "$2" private-key "$LAB/$2.key"
	ip -n "$1" addr add "$3" dev "$2"
	ip -n "$1" link set "$2" up
}

public() { "$WG/wg" pubkey <"$LAB/$1.key"; }

shakes() { [ "$(lab_in bulkhead "$WG/wg" show wg0 latest-handshakes | cut -f2)" -gt 0 ]; }

# state GRANT... - work's VPN on up0, kept up, and more
state() {
	fw_tell none "endpoint 17 $VPN 51820" "prefix 10.77.0.0/16" "$@" hold
	[ "$FW_ANSWER" = "ack 0" ] || fail "grants '$*': $FW_ANSWER"
}
OUTSIDE="pair vif1.0 up0 vpn 1 5000" THROUGH="pair vif1.0 wg0 open 1 5000"
HOME_="pair host0 up0 less 0 5000"

beats() { # beats ADDRESS TIME - did the tunnel speak to ADDRESS since then?
	[ "$(fw_after lan "ip:$1" "$2")" -gt 0 ]
}

silent() { # silent WHAT - for two keepalives and more
	local from
	from=$(lab_now)
	fw_pause 3
	! beats $VPN "$from" || fail "$1: the tunnel speaks"
}

fw_links
ip -n lan addr add $VPN/32 dev w0
ip -n lan addr add $HOST/32 dev w0
ip -n lan route add 100.64.0.0/24 via 192.168.7.50
tunnel lan wgc 10.200.0.1/24
tunnel bulkhead wg0 10.200.0.2/24
lab_in lan "$WG/wg" set wgc listen-port 51820 peer "$(public wg0)" allowed-ips 10.200.0.2/32
lab_in bulkhead "$WG/wg" set wg0 fwmark $MARK peer "$(public wgc)" endpoint $VPN:51820 persistent-keepalive 1 \
	allowed-ips 10.200.0.0/24,10.77.0.0/16
ip -n bulkhead route add 10.77.0.0/16 dev wg0
lab_record lan lan w0
fw_without
lab_wait 10 shakes || fail "without rules the tunnel does not come up"
from=$(lab_now)
lab_wait 5 beats $VPN "$from" || fail "the sniffer does not hear the tunnel"
seen=$(lab_token clear)
ip -n bulkhead route add 10.77.3.0/24 via $FW_LAN
"$FW_SEND" udp $FW_CORP 9 "$seen-personal" 2 >/dev/null
lab_in work "$FW_SEND" udp $FW_CORP 9 "$seen-work" 2 >/dev/null
lab_wait 3 lab_seen lan "text:$seen-personal" && lab_wait 3 lab_seen lan "text:$seen-work" ||
	fail "the sniffer does not hear who gets round the tunnel"
for what in personal work; do
	CASE_HEARD=$((CASE_HEARD + $(lab_count lan "text:$seen-$what")))
done
ip -n bulkhead route del 10.77.3.0/24
fw_reset
fw_with
ip -n bulkhead route replace 10.77.0.0/16 dev wg0

silent "without a grant"
state "$HOME_"
silent "with personal's grant"
state "$HOME_" "$OUTSIDE"
from=$(lab_now)
lab_wait 10 beats $VPN "$from" || fail "the tunnel does not reach its endpoint"
! fw_work_pings $FW_CORP || fail "work goes through a tunnel that is not proven"

state "$HOME_" "$OUTSIDE" "$THROUGH"
lab_wait 5 fw_work_pings $FW_CORP || fail "work does not get through the tunnel"
try=$(lab_token try)
lab_in work "$FW_SEND" udp $FW_CORP 9 "$try-work" 3 >/dev/null
"$FW_SEND" udp $FW_CORP 9 "$try-personal" 3 >/dev/null
"$FW_SEND" icmp $FW_CORP "$try-personal" 3 >/dev/null
"$FW_SEND" udp 10.200.0.1 9 "$try-personal" 3 >/dev/null
! fw_pings $FW_CORP || fail "personal goes through the tunnel"
! fw_pings 10.200.0.1 || fail "personal reaches the tunnel's other end"
fw_pings $FW_LAN || fail "personal lost its own network"

# CVE-2024-3661: the LAN's DHCP hands out a route that is more specific than the tunnel's (option 121).
ip -n bulkhead route add 10.77.3.0/24 via $FW_LAN
lab_in work "$FW_SEND" udp $FW_CORP 9 "$try-round" 3 >/dev/null
"$FW_SEND" udp $FW_CORP 9 "$try-round" 3 >/dev/null
! fw_work_pings $FW_CORP || fail "work gets round the tunnel"
! fw_pings $FW_CORP || fail "personal gets round the tunnel"
ip -n bulkhead route del 10.77.3.0/24
lab_wait 5 fw_work_pings $FW_CORP || fail "work does not get through the tunnel again"
for what in work personal round; do
	CASE_SENT=$((CASE_SENT + 1))
	[ "$(lab_count lan "text:$try-$what")" = 0 ] || fail "the LAN hears '$what' in the clear"
done

# The LAN asks who has the tunnel's address, and sends to it: it is nobody there (MLLVD-CR-24-03).
! lab_in lan busybox arping -q -c 2 -w 2 -I w0 10.200.0.2 || fail "the uplink answers for the tunnel's address"

# Root's socket without the mark (its port is any that the tunnel's does not have); the mark with
# another host; no mark.
lab_in bulkhead "$FW_FORGE" socket 0 $VPN 0 51820 "$try-unmarked" 3 >/dev/null
lab_in bulkhead "$WG/wg" set wg0 peer "$(public wgc)" endpoint $HOST:51820
fw_pause 3
[ "$(lab_count lan "text:$try-unmarked")" = 0 ] || fail "a socket without the mark gets out"
from=$(lab_now)
fw_pause 2
! beats $HOST "$from" || fail "the tunnel speaks to another host"
lab_in bulkhead "$WG/wg" set wg0 fwmark 0 peer "$(public wgc)" endpoint $VPN:51820
silent "without its mark"
lab_in bulkhead "$WG/wg" set wg0 fwmark $MARK
from=$(lab_now)
lab_wait 5 beats $VPN "$from" || fail "the tunnel does not come back"

# Nobody renews: it ends with the grant that it goes by.
fw_tell none "endpoint 17 $VPN 51820" "pair vif1.0 up0 vpn 1 1500" send
fw_pause 2
silent "with nobody to renew the grant"
[ -e "$LAB/wg0.log" ] && whose="in user space" || whose="of the kernel"
case_end "one endpoint, marked, while work may; WireGuard $whose"
