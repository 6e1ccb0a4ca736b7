#!/usr/bin/env bash
# To the LAN each uid says what is its own and nothing else: root's client DHCP, the prober to beacons and to
# the servers that the policy names, the supplicant EAPOL; neither with another's ports or uid. To a port goes the
# router advertisement of who serves it addresses, and no program says anything else; the kernel does: it defends its address there, and says of a packet
# that it is too big, in IPv4 and IPv6.
# holds: egress_ local_ output input_port source input
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
. "$LAB_TOP/tests/lab/hear.sh"
lab_enter "$@"

root=0 sniff=$((FW_UID_BASE + 2)) prove=$((FW_UID_BASE + 5)) ports=$((FW_UID_BASE + 11)) supplicant=$((FW_UID_BASE + 14))
say() { # say KIND UID ADDRESS FROM TO
	lab_in bulkhead "$FW_FORGE" socket "$2" "$3" "$4" "$5" "$token-$1." 2 >/dev/null || true
}
frame() { # frame KIND UID TYPE
	lab_in bulkhead "$FW_FORGE" own-frame up0 "$2" "$3" "$token-$1." 2 >/dev/null
}
icmp6() { # icmp6 KIND UID TYPE HOPS - to the host's end of its port, by a raw socket
	lab_in bulkhead python3 -c "import ctypes, socket as s
ctypes.CDLL(None).setfsuid($2)
c = s.socket(s.AF_INET6, s.SOCK_RAW, 58)
c.setsockopt(41, s.IPV6_UNICAST_HOPS, $4)
c.sendto(bytes([$3]) + bytes(15) + b'$token-$1.', ('fd62:756c:6b00::2', 0))" 2>/dev/null || true
}
theirs() {
	icmp6 port-ra $ports 134 255
	say dhcp4 $root $FW_LAN 68 67
	say dhcp6 $root $FW_LAN6 546 547
	say beacon4 $prove $FW_LAN 4001 6262
	say beacon6 $prove $FW_LAN6 4001 6262
}
others() {
	say dhcp4-sniff $sniff $FW_LAN 68 67
	say dhcp4-from $root $FW_LAN 4002 67
	say dhcp4-to $root $FW_LAN 68 4003
	say dhcp6-sniff $sniff $FW_LAN6 546 547
	say dhcp6-from $root $FW_LAN6 4002 547
	say dhcp6-to $root $FW_LAN6 546 4003
	say beacon-sniff $sniff $FW_LAN 4001 6262
	say beacon-root $root $FW_LAN6 4001 6262
	say beacon-to $prove $FW_LAN 4001 6263
	frame eapol-root $root 888e
	frame eapol-sniff $sniff 888e
	frame arp-sniff $sniff 0806
	frame other-supplicant $supplicant 88b5
}
to_port() { # none of it is anybody's to say
	say port-root $root 100.64.0.2 4004 4004
	say port-root6 $root fd62:756c:6b00::2 4004 4004
	say port-dhcp-sniff $sniff 100.64.0.2 67 68
	say port-dhcp-to $ports 100.64.0.2 67 4004
	say port-dhcp-from $ports 100.64.0.2 4004 68
	icmp6 port-ra-root $root 134 255
	icmp6 port-ra-hops $ports 134 64
	icmp6 port-echo $ports 128 255
	lab_in bulkhead "$FW_FORGE" udp 192.168.7.50 100.64.0.2 53 4004 "$token-port-far." 2 >/dev/null
	lab_in bulkhead python3 -c "import socket as s
c = s.socket(); c.settimeout(1); c.bind(('192.168.7.50', 53)); c.connect(('100.64.0.2', 4005))" 2>/dev/null || true
}
far_tcp=hex:c0a807326440000200350fa5 # from 192.168.7.50 port 53 to 100.64.0.2 port 4005
tls() { lab_in bulkhead "$FW_FORGE" ask tcp "$@"; }
want() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }
defended() { [[ $(ip -n work -6 addr show dev eth0) == *dadfailed* ]]; }
port_ready() { [[ $(ip -n bulkhead -6 addr show dev vif1.0) != *tentative* ]]; }
silent() { # silent NAME KIND... - and the capture is whole
	local name=$1 kind
	shift
	for kind; do
		[ "$(lab_count "$name" "text:$token-$kind.")" = 0 ] || fail "$kind is on '$name'"
	done
}

wrong="dhcp4-sniff dhcp4-from dhcp4-to dhcp6-sniff dhcp6-from dhcp6-to beacon-sniff beacon-root beacon-to eapol-root
eapol-sniff arp-sniff other-supplicant"
inner="port-root port-root6 port-dhcp-sniff port-dhcp-to port-dhcp-from port-ra-root port-ra-hops port-echo port-far"

fw_links
ip netns attach personal $$
lab_record lan lan w0
lab_record bh0 personal bh0
fw_without
token=$(lab_token without)
theirs && others && to_port
for kind in dhcp4 dhcp6 beacon4 beacon6 $wrong; do
	lab_wait 3 lab_seen lan "text:$token-$kind." || fail "the sniffer does not hear $kind"
done
for kind in port-ra $inner; do
	lab_wait 3 lab_seen bh0 "text:$token-$kind." || fail "the sniffer at the port does not hear $kind"
done
lab_wait 3 lab_seen bh0 $far_tcp || fail "the sniffer at the port does not hear TCP"
fw_reset
fw_with
far=$(lab_count bh0 $far_tcp)
fw_tell none "pair host0 up0 open 0 9000" "tls $FW_LAN 5001" "tls $FW_LAN6 5001" hold
fw_sink
token=$(lab_token with)
others && to_port && theirs
for kind in dhcp4 dhcp6 beacon4 beacon6; do
	lab_wait 3 lab_seen lan "text:$token-$kind." || fail "$kind does not leave"
done
lab_wait 3 lab_seen bh0 "text:$token-port-ra." || fail "no router advertisement gets to the port"
# shellcheck disable=SC2086
silent lan $wrong
# shellcheck disable=SC2086
silent bh0 $inner
want "TCP of port 53 from an address that is not the port's" "$(lab_count bh0 $far_tcp)" "$far"
want "the prober at the server" "$(tls $prove $FW_LAN 5001)" answer
want "the prober at the server (v6)" "$(tls $prove $FW_LAN6 5001)" answer
pids=()
for who in $root $sniff; do
	tls "$who" $FW_LAN 5001 >"$LAB/tls-$who-4" & pids+=($!)
	tls "$who" $FW_LAN6 5001 >"$LAB/tls-$who-6" & pids+=($!)
done
tls $prove $FW_LAN 5002 >"$LAB/tls-other" & pids+=($!)
tls $prove $FW_CORP 5001 >"$LAB/tls-corp" & pids+=($!)
wait "${pids[@]}"
want "everybody else at the server, and the prober elsewhere" "$(sort -u "$LAB"/tls-*)" silence

# what the kernel says to a port
lab_wait 10 port_ready || fail "the port has no link"
lab_in work sysctl -qw net.ipv6.conf.eth0.accept_dad=1 net.ipv6.conf.all.accept_dad=1
ip -n work addr add fd62:756c:6b00:1::1/64 dev eth0
lab_wait 10 defended || fail "netguard lets a client take its address"
ip -n bulkhead link set up0 mtu 1280
ping -q -c 1 -W 1 -s 1400 -M do $FW_LAN >/dev/null 2>&1 || true
ping -q -c 1 -W 1 -s 1400 -M do $FW_LAN6 >/dev/null 2>&1 || true
[[ $(ip route get $FW_LAN) == *"mtu 1280"* ]] || fail "nobody says that a packet is too big: $(ip route get $FW_LAN)"
[[ $(ip route get $FW_LAN6) == *"mtu 1280"* ]] || fail "nobody says that a packet is too big (v6): $(ip route get $FW_LAN6)"
echo "$(wc -w <<<"$wrong $inner") kinds of word stopped; $(fw_counter netdev leak) frames"
