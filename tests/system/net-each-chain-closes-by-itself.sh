#!/usr/bin/env bash
# What a grant's chain does not let pass it drops itself, whoever would let it pass behind: with the rules stopped and
# the last one of "forward" turned into its opposite, what no grant names passes, and what comes to the end of a chain
# does not.
# holds: open back vpn_flow vpn back_vpn portal
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

VPN=203.0.113.5
mac() { ip -n bulkhead -o link show "$1" | sed 's/.*ether \([^ ]*\).*/\1/'; }
ack() { # ack KIND NAMESPACE LINK PORT SOURCE TO - the middle of a connection that never began
	nsenter ${2:+--net=/run/netns/$2} "$LAB_TOOLS/forge" "$3" own "$(mac "$4")" ip4 "$5" "$6" 6 0 - \
		0fa001bb00000001000000005010ffff00000000 "$try-$1." 2 >/dev/null
}
tries() {
	try=$1
	ack open "" bh0 host0 100.64.0.2 $FW_LAN
	ack vpn_flow work eth0 vif1.0 100.64.0.6 $VPN
	lab_in work "$FW_SEND" udp $VPN 9 "$try-vpn." 2 >/dev/null
	lab_in guest "$FW_SEND" udp $FW_LAN 9 "$try-portal." 2 >/dev/null
	lab_in lan "$FW_SEND" udp 100.64.0.2 9 "$try-back." 2 >/dev/null
	lab_in lan "$FW_SEND" udp 100.64.0.6 9 "$try-back_vpn." 2 >/dev/null
	"$FW_SEND" udp 100.64.0.6 9 "$try-none." 2 >/dev/null
}
heard() { # those that came where they went to
	local kind
	for kind in open vpn_flow vpn portal; do ! lab_seen lan "text:$try-$kind." || echo $kind; done
	! lab_seen personal "text:$try-back." || echo back
	for kind in back_vpn none; do ! lab_seen work "text:$try-$kind." || echo $kind; done
}
all() { [ "$(heard | wc -l)" = 7 ]; }
none() { [[ $(heard) == *none* ]]; }

fw_links
lab_ns guest
ip -n bulkhead link add vif2.0 type veth peer name eth0 netns guest
read -r -a guest < <("$LAB_TOP/roles/bulkhead-netns" port vif2.0)
ip -n guest addr add "${guest[0]}" dev eth0
ip -n guest link set eth0 up
ip -n guest route add default via "${guest[1]}"
ip -n lan addr add $VPN/32 dev w0
ip -n lan route add 100.64.0.0/16 via 192.168.7.50
ip netns attach personal $$
lab_record lan lan w0
lab_record personal personal bh0
lab_record work work eth0
fw_without
tries "$(lab_token without)"
lab_wait 5 all || fail "without rules the sniffers hear only: $(heard | xargs)"
fw_reset
fw_with
fw_tell none "pair host0 up0 open 0 9000" "pair vif1.0 up0 vpn 1 9000" "pair vif2.0 up0 portal 0 9000" \
	"endpoint 6 $VPN 443" send
[ "$FW_ANSWER" = "ack 0" ] || fail "grants: $FW_ANSWER"
pkill -STOP -P "$FW_CHILD" # or it would put right what follows
handle=$(lab_in bulkhead nft -a list chain inet bulkhead forward | sed -n 's/.*goto blocked # handle //p')
lab_in bulkhead nft -f - <<-NFT
	replace rule inet bulkhead forward handle $handle accept
	flush map inet bulkhead grant # the same ones, for as long as this takes
	add element inet bulkhead grant { host0 . up0 timeout 1h : goto open, up0 . host0 timeout 1h : goto back,
		vif1.0 . up0 timeout 1h : goto vpn, up0 . vif1.0 timeout 1h : goto back_vpn, vif2.0 . up0 timeout 1h : goto portal }
NFT
tries "$(lab_token with)"
lab_wait 5 none || fail "forward does not let pass what no grant names"
lab_pause 0.3
[ "$(heard)" = none ] || fail "the end of its chain does not stop: $(heard | xargs)"
echo "six chains, each closed by itself"
