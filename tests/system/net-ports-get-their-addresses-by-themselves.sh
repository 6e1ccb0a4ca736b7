#!/usr/bin/env bash
# Without a grant, in every zone, a port's client gets its one IPv4 address, an IPv6 prefix, a router and a
# resolver (the port's own address, both), whatever it calls itself; a port that comes later too. Nobody
# gets any by another port's address, with a forged source, or on an uplink. dnsmasq has no more than it
# needs, and its answers make no conntrack entry.
# holds: input_port output names source
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

command -v dnsmasq >/dev/null || lab_skip "dnsmasq-base is not installed"
ask="$LAB_TOP/tests/lab/ask.py"
cat >"$LAB/leased" <<-'SH'
	#!/bin/sh
	[ "$1" != bound ] || echo "$ip/$mask $router $dns" >>/run/lab/lease-$interface
SH
chmod +x "$LAB/leased"

lease() { # lease NAMESPACE LINK [OPTION...] - as a real client gets it
	local ns=$1 link=$2
	shift 2
	rm -f "$LAB/lease-$link"
	nsenter ${ns:+--net=/run/netns/$ns} busybox udhcpc -i "$link" -q -n -f -t 5 -T 1 -s "$LAB/leased" "$@" \
		>/dev/null 2>&1 || true
	cat "$LAB/lease-$link" 2>/dev/null || echo none
}
want() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }
server() { pgrep -x dnsmasq; }
serving() { lab_in bulkhead ss -Hlun | grep -q ':67 '; }
advertised() { [ "$("$ask" ra bh0)" != none ]; }
field() { sed -n "s/^$1:[[:space:]]*//p" "/proc/$(server)/status" | tr '\t' ' '; }

fw_links
ip addr flush dev bh0 # (the links' own addresses come back with a link)
ip -n work addr flush dev eth0
fw_with
lab_record lan lan w0
lab_start ports nsenter --net=/run/netns/bulkhead \
	"$LAB_OUT/tests/system/ports_run" $FW_UID_BASE dhcp host0 'vif*'
lab_wait 10 serving || fail "dnsmasq does not start: $(<"$LAB/ports.log")"
pid=$(server)

want "personal's lease" "$(lease "" bh0)" "100.64.0.2/30 100.64.0.1 100.64.0.1"
want "work's lease" "$(lease work eth0)" "100.64.0.6/30 100.64.0.5 100.64.0.5"
want "the same client by another identifier" "$(lease work eth0 -x 0x3d:00aabbcc)" \
	"100.64.0.6/30 100.64.0.5 100.64.0.5"
for ns in "" work; do # (udhcpc uses packet sockets; a link needs its local address for the rest)
	link=bh0
	[ -z "$ns" ] || link=eth0
	nsenter ${ns:+--net=/run/netns/$ns} ip link set $link down
	nsenter ${ns:+--net=/run/netns/$ns} ip link set $link up
done
lab_wait 10 advertised || fail "no router advertisement"
want "personal's prefix and resolver" "$("$ask" ra bh0)" "fe80 fd62:756c:6b00:: fd62:756c:6b00::1"
want "work's prefix and resolver" "$(lab_in work "$ask" ra eth0)" \
	"fe80 fd62:756c:6b00:1:: fd62:756c:6b00:1::1"

lab_ns later
ip -n bulkhead link add vif2.0 type veth peer name eth0 netns later
"$LAB_TOP/roles/bulkhead-netns" port vif2.0 >/dev/null
ip -n later link set eth0 up
want "a later port's lease" "$(lease later eth0)" "100.64.0.10/30 100.64.0.9 100.64.0.9"
want "pid of dnsmasq" "$(server)" "$pid"

# attacks, each beside the honest form
ip addr add 100.64.0.2/30 dev bh0
ip route replace default via 100.64.0.1 dev bh0
want "a lease by unicast" "$("$ask" dhcp 100.64.0.2 100.64.0.1)" "offer 100.64.0.2"
want "from work's port's address" "$("$ask" dhcp 100.64.0.2 100.64.0.5)" none
before=$(fw_counter inet spoofed)
want "with work's source" "$("$ask" dhcp 100.64.0.6 100.64.0.1)" none
want "with a source from nowhere" "$("$ask" dhcp 203.0.113.5 100.64.0.1)" none
want "forged and counted" $(($(fw_counter inet spoofed) - before)) 2
want "at the uplink's address" "$("$ask" dhcp 100.64.0.2 192.168.7.50)" none
want "a lease on the uplink's LAN" "$(lease lan w0)" none
[ "$(lab_count lan "text:100.64.0")" = 0 ] || fail "word of our ports is on the wire"

! lab_in bulkhead grep 'dport=67 ' /proc/net/nf_conntrack || fail "DHCP is tracked"

want "uid" "$(field Uid)" "64211 64211 64211 64211"
want "capabilities" "$(field CapEff) $(field CapBnd)" "0000000000003400 0000000000003400"
want "privileges" "$(field NoNewPrivs) $(field Seccomp)" "1 2"
kill -KILL "$(<"$LAB/ports.pid")"
lab_wait 5 eval '! server >/dev/null' || fail "dnsmasq outlives its parent"
echo "3 ports, no grant; $(fw_counter inet spoofed) forged and $(fw_counter inet blocked) misdirected requests dropped"
