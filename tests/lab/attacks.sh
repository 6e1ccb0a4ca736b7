# attacks.sh - what the personal OS tries on a corporate LAN, each kind with a token of its own.
#
# shellcheck shell=bash

ATTACKS="flow new udp icmp ipv6 dns raw xdp"
ATTACK_N=5	# of each
declare -gA ATTACK_TOKEN ATTACK_SENT

# attack_flow_open - a flow to the server on the internet, made where that is allowed; it streams on.
attack_flow_open() {
	ATTACK_TOKEN[flow]=$(lab_token flow)
	ATTACK_SENT[flow]=1
	lab_stop flow
	rm -f "$LAB/flow.log"
	lab_start flow "$LAB_TOOLS/send" tcp $LAN_SERVER 5001 "${ATTACK_TOKEN[flow]}"
	lab_wait 5 grep -qs connected "$LAB/flow.log"
}

attack_flow_lives() {
	[ -e "$LAB/flow.pid" ] && kill -0 "$(<"$LAB/flow.pid")" 2>/dev/null
}

attack_one() { # attack_one KIND VERB WHERE... - adds to what this kind has sent
	local kind=$1 verb=$2 tally
	shift 2
	tally=$("$LAB_TOOLS/send" "$verb" "$@" "${ATTACK_TOKEN[$kind]}" $ATTACK_N) || return 1
	tally=${tally#sent }
	ATTACK_SENT[$kind]=$((${ATTACK_SENT[$kind]-0} + ${tally%% *}))
}

# attacks_send LINK - all but the flow, out of the laptop's LINK: to the LAN's router and past it.
attacks_send() {
	local link=$1 kind all=ff:ff:ff:ff:ff:ff
	for kind in new udp icmp ipv6 dns raw xdp; do
		ATTACK_TOKEN[$kind]=$(lab_token "$kind")
		ATTACK_SENT[$kind]=0
	done
	attack_one new new $LAN_GATEWAY_corp 80
	attack_one new new $LAN_SERVER 80
	attack_one udp udp $LAN_GATEWAY_corp 9999
	attack_one udp udp $LAN_SERVER 9999
	attack_one icmp icmp $LAN_GATEWAY_corp
	attack_one icmp icmp $LAN_SERVER
	attack_one ipv6 udp $LAN_GATEWAY6_corp 9999
	attack_one ipv6 icmp $LAN_SERVER6
	attack_one dns dns $LAN_GATEWAY_corp
	attack_one dns dns $LAN_SERVER
	attack_one raw raw "$link" $all
	attack_one xdp xdp "$link" $all
}

# attacks_missing CAPTURE - the kinds of which CAPTURE holds no frame
attacks_missing() {
	local kind
	for kind in $ATTACKS; do
		lab_seen "$1" "text:${ATTACK_TOKEN[$kind]}" || echo "$kind"
	done
}

# attacks_found CAPTURE - how many frames of CAPTURE hold any token
attacks_found() {
	local kind n sum=0
	for kind in $ATTACKS; do
		n=$(lab_count "$1" "text:${ATTACK_TOKEN[$kind]}")
		sum=$((sum + n))
	done
	echo $sum
}

# attacks_without_bulkhead - the laptop as it is bought: en0 is its own, all tries leave it. Leaves
# the capture in $LAB/without.pcap; fails when the sniffer missed one kind.
attacks_without_bulkhead() {
	sysctl -qw net.ipv4.tcp_fastopen=5 net.ipv4.tcp_fastopen_blackhole_timeout_sec=0 \
		net.ipv6.conf.all.accept_ra=0 net.ipv6.conf.en0.accept_ra=0
	lans_plug home
	ip addr add 192.168.7.50/24 dev en0
	ip link set en0 up
	ip route add default via $LAN_GATEWAY_home
	lab_wait 5 attack_flow_open || return 1
	lans_plug corp
	ip addr add 10.77.0.200/16 dev en0
	ip addr add fd77::200/64 dev en0 nodad
	ip route replace default via $LAN_GATEWAY_corp
	ip -6 route add default via $LAN_GATEWAY6_corp
	attacks_send en0
	lab_wait 10 attacks_all_heard corp && attack_flow_lives
}

attacks_all_heard() {
	[ -z "$(attacks_missing "$1")" ]
}

attacks_clean() { # en0 as it came out of the box
	lab_stop flow
	ip addr flush dev en0
	ip link set en0 down
	lans_unplug
}
