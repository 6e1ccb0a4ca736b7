#!/usr/bin/env bash
# Work on a network that is not the company's: the endpoints of its VPN pass both ways, by UDP, TCP and
# ESP over v4 and v6, with the errors about those flows; any other port, protocol or host, DNS and
# echo requests do not, nor what the endpoint begins itself, nor an answer that another host forges.
# holds: vpn vpn_flow back_vpn
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

VPN=203.0.113.5 VPN6=2001:db8::5	# the endpoint
HOST=203.0.113.6 HOST6=2001:db8::6	# another one
WORK=100.64.0.6 WORK6=fd62:756c:6b00:1::2
OUR=192.168.7.50 OUR6=fd07::50

forge() { lab_in "$1" "$FW_FORGE" "${@:2}" >/dev/null; }

work_sends() { lab_in work "$FW_SEND" "$@" >/dev/null; }

# What must not pass, each kind with a token of its own.
BAD="port port6 proto tcp host host6 thost thost6 esp esp6 dns ping ping6 pers pers6"
bad_tries() { # bad_tries TOKEN
	work_sends udp $VPN 51821 "$1-port-" 2
	work_sends udp $VPN6 51821 "$1-port6-" 2
	work_sends udp $VPN 443 "$1-proto-" 2
	work_sends new $VPN 51820 "$1-tcp-" 2
	work_sends udp $HOST 51820 "$1-host-" 2
	work_sends udp $HOST6 51820 "$1-host6-" 2
	work_sends new $HOST 443 "$1-thost-" 2
	work_sends new $HOST6 443 "$1-thost6-" 2
	forge work esp $WORK $HOST "$1-esp-" 2
	forge work esp $WORK6 $HOST6 "$1-esp6-" 2
	work_sends dns $FW_LAN "$1-dns-" 2
	work_sends icmp $VPN "$1-ping-" 2
	work_sends icmp $VPN6 "$1-ping6-" 2
	"$FW_SEND" udp $VPN 51820 "$1-pers-" 2 >/dev/null
	"$FW_SEND" udp $VPN6 51820 "$1-pers6-" 2 >/dev/null
}

bad_heard() { # bad_heard TOKEN - those of them that the LAN has
	local kind
	for kind in $BAD; do
		! lab_seen lan "text:$1-$kind-" || echo "$kind"
	done
}

bad_all_heard() { [ "$(bad_heard "$1" | wc -l)" = "$(wc -w <<<"$BAD")" ]; }

vpn_now() { # vpn_now ENDPOINT... - work's grant for these, kept up
	fw_tell none "pair vif1.0 up0 vpn 1 5000" "${@/#/endpoint }" hold
	[ "$FW_ANSWER" = "ack 0" ] || fail "grant for the VPN: $FW_ANSWER"
}

ALL=("17 $VPN 51820" "6 $VPN 443" "50 $VPN 0" "17 $VPN6 51820" "6 $VPN6 443" "50 $VPN6 0")

answered() { [ "$(lab_count work "text:$1")" -gt 1 ]; } # it left, and came back

# udp_flow TOKEN SPORT [6] - to the endpoint's echo, and back; its port as the endpoint sees it is in SEEN
udp_flow() {
	local six=${3-}
	if [ -n "$six" ]; then
		forge work udp $WORK6 $VPN6 "$2" 51820 "$1" 1
	else
		forge work udp $WORK $VPN "$2" 51820 "$1" 1
	fi
	lab_wait 3 answered "$1" || return 1
	SEEN=$(sed -n '$s/from //p' "$LAB/echo$six.log")
}

two_echoes() { [ "$(lab_in lan busybox netstat -ln | grep -c '^udp.*:51820 ')" = 2 ]; }

echoes() {
	lab_start echo nsenter --net=/run/netns/lan "$FW_FORGE" echo-at $VPN 51820
	lab_start echo6 nsenter --net=/run/netns/lan "$FW_FORGE" echo-at $VPN6 51820
	lab_wait 3 two_echoes || fail "the echo servers do not start"
}

streams() { # streams ADDRESS PORT TOKEN
	lab_start "stream-$3" nsenter --net=/run/netns/work "$FW_SEND" tcp "$1" "$2" "$3"
	lab_wait 5 lab_seen lan "text:$3" || fail "TCP to $1 port $2 does not pass"
}

fw_links
for a in $VPN/32 $HOST/32; do ip -n lan addr add $a dev w0; done
for a in $VPN6/128 $HOST6/128; do ip -n lan addr add $a dev w0 nodad; done
ip -n lan route add 100.64.0.0/24 via $OUR
ip -n lan -6 route add fd62:756c:6b00::/48 via $OUR6
for ns in work lan; do
	lab_in $ns sysctl -qw net.ipv4.tcp_fastopen=5 net.ipv4.icmp_ratelimit=0 net.ipv6.icmp.ratelimit=0
done
lab_record lan lan w0
lab_record work work eth0
fw_without
seen=$(lab_token without)
bad_tries "$seen"
lab_wait 5 bad_all_heard "$seen" || fail "without rules the sniffer hears only: $(bad_heard "$seen" | tr '\n' ' ')"
forge lan udp $VPN $WORK 51820 4100 "$seen-in" 2
lab_wait 3 lab_seen work "text:$seen-in" || fail "the sniffer does not hear the endpoint at work"
fw_reset
fw_with
echoes
lab_start tcp nsenter --net=/run/netns/lan busybox nc -ll -p 443 -e /bin/dd of=/dev/null
fw_sink
lab_wait 3 fw_listens tcp 443 || fail "the servers do not start"

# It begins with all of it open: a direct stream, which is not to outlive that.
fw_grant vif1.0 open 1
direct=$(lab_token direct)
streams $HOST 5001 "$direct"
vpn_now "${ALL[@]}"
from=$(lab_now)

try=$(lab_token try)
bad_tries "$try"
# what the endpoint begins, to the port itself and to the address that hides it
for to in $WORK $OUR; do
	forge lan udp $VPN $to 51820 4100 "$try-begun-" 2
	forge lan esp $VPN $to "$try-begun-" 2
done
forge lan udp $VPN6 $WORK6 51820 4100 "$try-begun-" 2
forge lan esp $VPN6 $WORK6 "$try-begun-" 2

udp_flow "$try-udp4" 4000 || fail "UDP to the endpoint gets no answer"
port=$SEEN
udp_flow "$try-udp6" 4000 6 || fail "UDP to the endpoint gets no answer over v6"
port6=$SEEN
streams $VPN 443 "$try-tcp4"
streams $VPN6 443 "$try-tcp6"
forge work esp $WORK $VPN "$try-eout4" 2
forge work esp $WORK6 $VPN6 "$try-eout6" 2
lab_wait 3 lab_seen lan "text:$try-eout4" && lab_wait 3 lab_seen lan "text:$try-eout6" || fail "ESP does not pass"
forge lan esp $VPN $OUR "$try-ein4" 2
forge lan esp $VPN6 $OUR6 "$try-ein6" 2
lab_wait 3 lab_seen work "text:$try-ein4" && lab_wait 3 lab_seen work "text:$try-ein6" || fail "ESP does not come back"

# Errors about these flows: nobody listens at work, so it says so to the endpoint; then the endpoint does.
said() { [ "$(lab_count lan "text:$1")" -gt 2 ]; } # asked, answered, refused
lab_wait 3 said "$try-udp4" && lab_wait 3 said "$try-udp6" || fail "an error of work about its flow does not pass"
lab_stop echo echo6
forge work udp $WORK $VPN 4001 51820 "$try-err4" 1
forge work udp $WORK6 $VPN6 4001 51820 "$try-err6" 1
lab_wait 3 answered "$try-err4" && lab_wait 3 answered "$try-err6" || fail "an error about a flow does not come back"
echoes

# Another host, with the very ports of the answer; and the endpoint, to the wrong port.
forge lan udp $HOST $OUR 51820 "$port" "$try-forged-" 2
forge lan udp $HOST6 $OUR6 51820 "$port6" "$try-forged-" 2
forge lan udp $HOST $WORK 51820 4000 "$try-forged-" 2
forge lan udp $VPN $OUR 51821 "$port" "$try-forged-" 2
# the right ones come through at the same time
forge lan udp $VPN $OUR 51820 "$port" "$try-right4" 1
forge lan udp $VPN6 $OUR6 51820 "$port6" "$try-right6" 1
lab_wait 3 lab_seen work "text:$try-right4" && lab_wait 3 lab_seen work "text:$try-right6" ||
	fail "a second answer does not come"

# An endpoint is taken out while its flow lives: each packet is held against the list of now.
vpn_now "6 $VPN 443" "50 $HOST 0" "50 $HOST6 0"
forge work udp $WORK $VPN 4000 51820 "$try-late-" 2
forge work udp $WORK6 $VPN6 4000 51820 "$try-late-" 2
forge work esp $WORK $VPN "$try-late-" 2
forge work esp $WORK6 $VPN6 "$try-late-" 2
forge lan udp $VPN $OUR 51820 "$port" "$try-stale-" 2
forge lan udp $VPN6 $OUR6 51820 "$port6" "$try-stale-" 2
forge lan esp $VPN $OUR "$try-stale-" 2
forge lan esp $VPN6 $OUR6 "$try-stale-" 2
vpn_now "50 $VPN 0" "50 $VPN6 0" # that ESP may come says nothing of UDP
forge lan udp $VPN $OUR 51820 "$port" "$try-stale-" 2
forge lan udp $VPN6 $OUR6 51820 "$port6" "$try-stale-" 2
after=$(lab_token after)
vpn_now "${ALL[@]}"
udp_flow "$after" 4002 || fail "the VPN does not come back"

# All open again: what ended then stays ended.
fw_grant vif1.0 open 1
fw_work_pings $HOST || fail "open: work does not get an answer"

heard=$(bad_heard "$try")
[ -z "$heard" ] || fail "the LAN hears from work: $(tr '\n' ' ' <<<"$heard")"
[ "$(lab_count work "text:$try-begun-")" = 0 ] || fail "work hears what the endpoint began"
[ "$(lab_count work "text:$try-forged-")" = 0 ] || fail "work hears a forged answer"
[ "$(lab_count lan "text:$try-late-")" = 0 ] || fail "an endpoint that was taken out is still reached"
[ "$(lab_count work "text:$try-stale-")" = 0 ] || fail "an endpoint that was taken out still answers"
[ "$(fw_after lan "text:$direct" "$from")" = 0 ] || fail "a direct flow outlives the direct grant"
echo "6 endpoints pass both ways; $(wc -w <<<"$BAD") other kinds: 0 frames; blocked $(fw_counter inet blocked)"
