# firewall.sh - netguard's namespace alone: an uplink on a LAN, two ports, the real bulkhead-nft, and
# a driver that plays decide. No supervisor, no policy. Sourced after lab.sh.
#
#	lan    192.168.7.1/24, 10.77.3.1/24, fd07::1/64, and 64:ff9b::a4d:301 (10.77.3.1 translated)
#	up0    the uplink inside, 192.168.7.50, fd07::50; its other end is w0 in lan
#	host0  personal's port: bh0 in the lab's own namespace
#	vif1.0 work's port: eth0 in namespace work
#
# shellcheck shell=bash

FW_LAN=192.168.7.1
FW_LAN6=fd07::1
FW_CORP=10.77.3.1
FW_CORP6=64:ff9b::a4d:301
FW_UID_BASE=64200
FW_FORGE=$LAB_OUT/tests/system/net_forge
FW_SEND=$LAB_TOOLS/send

fail() {
	echo "$1"
	exit 1
}

fw_links() {
	lab_ns lan work
	ip link add up0 type veth peer name w0 netns lan
	ip -n lan addr add $FW_LAN/24 dev w0
	ip -n lan addr add $FW_CORP/24 dev w0
	ip -n lan addr add $FW_LAN6/64 dev w0 nodad
	ip -n lan addr add $FW_CORP6/128 dev w0 nodad
	ip -n lan link set w0 up
	"$LAB_TOP/roles/bulkhead-netns" up
	"$LAB_TOP/roles/bulkhead-netns" uplink up0
	ip -n bulkhead link add vif1.0 type veth peer name eth0 netns work
	read -r -a FW_WORK < <("$LAB_TOP/roles/bulkhead-netns" port vif1.0)
	ip -n work addr add "${FW_WORK[0]}" dev eth0
	ip -n work addr add "${FW_WORK[2]}" dev eth0 nodad
	ip -n work link set eth0 up
	ip -n work route add default via "${FW_WORK[1]}"
	ip -n work -6 route add default via "${FW_WORK[3]}"
}

# The uplink's addresses; dhcpcd's work in the whole.
fw_addresses() {
	ip -n bulkhead addr add 192.168.7.50/24 dev up0
	ip -n bulkhead addr add fd07::50/64 dev up0 nodad
	ip -n bulkhead route add default via $FW_LAN
	ip -n bulkhead -6 route add default via $FW_LAN6
}

# Plain forwarding, to show that a sniffer hears what the rules will stop.
fw_without() {
	ip -n bulkhead link set up0 up
	fw_addresses
	lab_in bulkhead nft 'table inet plain { chain n { type nat hook postrouting priority srcnat; oifname "up0" masquerade; }; }'
	lab_wait 5 fw_pings $FW_LAN || fail "the lab does not forward without rules"
}

# shellcheck disable=SC2086 # FW_UPLINKS: more than one, when a test says so
fw_start() { # the first answer, or how it ended, is in FW_ANSWER
	coproc FW { exec nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/nft_driver" \
		"$LAB_OUT/bulkhead-nft" $FW_UID_BASE ${FW_UPLINKS:-up0} 2> >(exec cat >"$LAB/nft.log"); } # (a role may not write files)
	FW_CHILD=$FW_PID # bash forgets FW_PID when it ends
	fw_tell send
}

fw_with() {
	fw_start
	[ "$FW_ANSWER" = "ack 0" ] || fail "nft does not start: $(cat "$LAB/nft.log")"
	[ -n "$(ip -n bulkhead -4 addr show dev up0 scope global)" ] || fw_addresses
	lab_wait 5 fw_carrier || fail "up0 is not up"
}

fw_carrier() {
	[[ $(ip -n bulkhead -6 addr show dev up0 scope link) == *fe80* ]]
}

# fw_tell COMMAND... - one line each to the driver; the last answer is in FW_ANSWER, its time in FW_US
fw_tell() {
	local line
	FW_ANSWER='' FW_US=''
	for line; do
		echo "$line" >&"${FW[1]}"
		case $line in
		send | turn | tighten | hold | broken | leave | end)
			read -r -t $((60 * ${LAB_SLOWER:-1})) FW_ANSWER <&"${FW[0]}" || fail "nft gives no answer: $(cat "$LAB/nft.log")"
			case $FW_ANSWER in ack*) FW_US=${FW_ANSWER##* } FW_ANSWER=${FW_ANSWER% *} ;; esac
			;;
		esac
	done
}

# fw_grant PORT open|less CLASS [TIMEOUT_MS] - and nothing else; renewed until the next word
fw_grant() {
	fw_tell none "pair $1 up0 $2 $3 ${4:-5000}" "prefix 10.77.0.0/16" hold
	[ "$FW_ANSWER" = "ack 0" ] || fail "grant for $1: $FW_ANSWER"
}

fw_close() {
	fw_tell none tighten
	[ "$FW_ANSWER" = "ack 0" ] || fail "close: $FW_ANSWER"
}

fw_pings() { # fw_pings ADDRESS - as personal
	ping -q -c 1 -W 1 "$1" >/dev/null 2>&1
}

fw_work_pings() {
	lab_in work ping -q -c 1 -W 1 "$1" >/dev/null 2>&1
}

fw_counter() { # fw_counter FAMILY NAME - packets
	lab_in bulkhead nft list counter "$1" bulkhead "$2" | sed -n 's/.*packets \([0-9]*\).*/\1/p'
}

fw_pause() { # fw_pause SECONDS - when the event is that nothing happens
	lab_idle "$1"
}

# fw_after NAME WHAT TIME - how many frames with WHAT came later than TIME (lab_now)
fw_after() {
	"$LAB_TOOLS/wire" times "$LAB/$1.pcap" "$2" | awk -v t="$3" '$1 > t { n++ } END { print n + 0 }'
}

# Do it without our rules first, then start with links and addresses as they would be.
fw_reset() {
	ip -n bulkhead link set up0 down
	ip -n bulkhead addr flush dev up0
	lab_in bulkhead nft delete table inet plain
}

# A TCP server in lan that swallows: nothing that the wire shows there is an echo.
fw_sink() {
	lab_start sink nsenter --net=/run/netns/lan busybox nc -ll -p 5001 -e /bin/dd of=/dev/null
	lab_wait 5 fw_listens tcp 5001 || fail "the sink does not start"
}

fw_listens() { # fw_listens tcp|udp PORT
	lab_in lan busybox netstat -ln | grep -q "^$1.*[:.]$2 "
}
