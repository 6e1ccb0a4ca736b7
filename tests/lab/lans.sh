# lans.sh - the networks around the laptop: corporate LAN, home LAN, and an internet behind both.
#
#	corp   br0 10.77.0.1/16, fd77::1/64   dnsmasq (corp.example), lldpd, web server, beacon
#	home   br0 192.168.7.1/24, fd07::1/64 dnsmasq (lan), web server
#	inet   203.0.113.10, 2001:db8::10     a server that both can reach
#	en0    in the laptop; its other end, "cable", is plugged into one of the two
#
# shellcheck shell=bash

# shellcheck source=tests/lab/peers.sh
. "$(dirname "${BASH_SOURCE[0]}")/peers.sh"

LAN_SERVER=203.0.113.10
LAN_SERVER6=2001:db8::10
LAN_GATEWAY_corp=10.77.0.1
LAN_GATEWAY_home=192.168.7.1
LAN_GATEWAY6_corp=fd77::1
LAN_GATEWAY6_home=fd07::1

lans_up() {
	lab_ns corp home inet nowhere
	lans_bridge corp 10.77.0.1/16 fd77::1/64
	lans_bridge home 192.168.7.1/24 fd07::1/64
	lans_route corp 198.51.100.1 198.51.100.2 2001:db8:1::
	lans_route home 198.51.100.5 198.51.100.6 2001:db8:2::
	ip -n inet addr add $LAN_SERVER/32 dev lo
	ip -n inet addr add $LAN_SERVER6/128 dev lo
	ip link add en0 address 02:00:00:00:e0:01 type veth peer name cable netns nowhere
	lans_servers
}

lans_bridge() { # lans_bridge LAN ADDRESS4 ADDRESS6
	ip -n "$1" link add br0 type bridge stp_state 0 mcast_snooping 0
	ip -n "$1" addr add "$2" dev br0
	ip -n "$1" addr add "$3" dev br0 nodad
	ip -n "$1" link set br0 up
}

lans_route() { # lans_route LAN OWN4 PEER4 PREFIX6 - a link to the internet; it routes back to all
	local lan=$1 own4=$2 peer4=$3 prefix6=$4 net
	ip -n "$lan" link add up0 type veth peer name "to-$lan" netns inet
	ip -n "$lan" addr add "$own4/30" dev up0
	ip -n inet addr add "$peer4/30" dev "to-$lan"
	ip -n "$lan" addr add "${prefix6}1/64" dev up0 nodad
	ip -n inet addr add "${prefix6}2/64" dev "to-$lan" nodad
	ip -n "$lan" link set up0 up
	ip -n inet link set "to-$lan" up
	ip -n "$lan" route add default via "$peer4"
	ip -n "$lan" -6 route add default via "${prefix6}2"
	case $lan in corp) net="10.77.0.0/16 fd77::/64" ;; *) net="192.168.7.0/24 fd07::/64" ;; esac
	ip -n inet route add "${net% *}" via "$own4"
	ip -n inet -6 route add "${net#* }" via "${prefix6}1"
}

lans_servers() {
	local lan
	for lan in corp home inet; do
		mkdir -p "$LAB/www-$lan"
		echo "this is the $lan page" >"$LAB/www-$lan/index.html"
		lab_start "www-$lan" nsenter --net=/run/netns/$lan \
			busybox httpd -f -p '[::]:80' -h "$LAB/www-$lan"
		lab_start "sink-$lan" nsenter --net=/run/netns/$lan \
			busybox nc -ll -p 5001 -e /bin/cat
	done
	lans_dnsmasq corp corp.example 10.77.1.1,10.77.1.99,255.255.0.0,2m fd77::
	lans_dnsmasq_home
	for lan in corp home inet; do
		lab_wait 5 lans_listens $lan 80 && lab_wait 5 lans_listens $lan 5001 || {
			echo "lab: the servers of '$lan' do not start" >&2
			return 1
		}
	done
}

lans_listens() { # lans_listens NAMESPACE PORT
	[ -n "$(lab_in "$1" ss -Hltn "sport = :$2")" ]
}

lans_listens_udp() {
	[ -n "$(lab_in "$1" ss -Hlun "sport = :$2")" ]
}

lans_dnsmasq() { # lans_dnsmasq LAN DOMAIN RANGE4 PREFIX6
	local lan=$1 gateway=LAN_GATEWAY_$1
	lab_start "dnsmasq-$lan" nsenter --net="/run/netns/$lan" dnsmasq --keep-in-foreground \
		--log-facility=- --log-dhcp --conf-file=/dev/null --pid-file --no-resolv --no-hosts \
		--interface=br0 --bind-interfaces --except-interface=lo --domain="$2" \
		--address="/intranet.corp.example/10.77.0.1" --address="/server.example/$LAN_SERVER" \
		--dhcp-range="$3" --dhcp-option="option:router,${!gateway}" --dhcp-authoritative \
		--dhcp-leasefile="$LAB/leases-$lan" --enable-ra --dhcp-range="$4,ra-only,64"
}

lans_dnsmasq_home() { # which advertises fd07::/64 within two seconds of its start
	lans_dnsmasq home lan 192.168.7.100,192.168.7.199,255.255.255.0,2m fd07::
}

# The switch of the corporate LAN: speaks LLDP on the port that the cable is in. Bridges forward no
# frame to 01:80:c2:00:00:0e, so it must speak on that port itself.
lans_switch() {
	peers_have usr/sbin/lldpd && peers_up || return 1
	echo "127.0.0.1 sw-floor2.corp.example sw-floor2" >"$LAB/peers/etc/hosts"
	lab_start lldpd peers_exec corp sw-floor2 /usr/sbin/lldpd -d -I cable
}

lans_unplug() {
	local lan
	for lan in corp home; do
		if ip -n "$lan" link show cable >/dev/null 2>&1; then
			ip -n "$lan" link set cable down
			ip -n "$lan" link set cable netns nowhere
		fi
	done
}

# lans_plug LAN - every frame of the cable from its first moment on is in $LAB/LAN.pcap (a new file).
lans_plug() {
	lans_unplug
	ip -n nowhere link set cable netns "$1"
	lab_record "$1" "$1" cable
	ip -n "$1" link set cable master br0
	ip -n "$1" link set cable up
}
