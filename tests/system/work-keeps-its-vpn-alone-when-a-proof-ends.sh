#!/usr/bin/env bash
# The whole daemon on the company's LAN, proven: work streams straight to a server, and to the VPN's endpoint.
# The beacon falls silent: the proof ends, and with it the stream, at once; the endpoint answers on. A new
# proof opens all again, and the stream of before does not come back to life. A policy without the
# endpoint ends that, too.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
FORGE=$LAB_OUT/tests/system/net_forge

fail() {
	echo "$1; $(bulkhead status | tr '\n' ';'), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
work_is() { # work_is VERDICT - and the kernel has it
	[ "$(laptop_status '.ports[] | select(.class == "work") | .verdict')" = "$1" ] &&
		[ "$(lab_in bulkhead nft list map inet bulkhead grant |
			sed -n 's/.*"vif1\.0" \. "en0"[^,]* : goto \([a-z_]*\).*/\1/p')" = "$1" ]
}
forgotten() { ! lab_in bulkhead nft list table inet bulkhead | grep -w 51820 >/dev/null; }
after() { # after TEXT TIME - how many frames on the cable came later
	"$LAB_TOOLS/wire" times "$LAB/corp.pcap" "text:$1" | awk -v t="$2" '$1 > t { n++ } END { print n + 0 }'
}
asks() { # asks TOKEN - the endpoint, by UDP, and an answer comes
	lab_in work "$LAB_TOOLS/send" udp $LAN_SERVER 51820 "$1" 1 >/dev/null
	lab_wait 2 twice "$1"
}
twice() { [ "$(lab_count corp "text:$1")" -ge 2 ]; }
policy() { # policy SERIAL PORT
	pki_policy "$1" "$(pki_date +20days)" |
		sed "s/^  sites: .*/&\n  vpn:\n    - {address: $LAN_SERVER, protocol: udp, port: $2}/" >"$IT/vpn.yaml"
	pki_sign policy "$IT/vpn.yaml"
	bulkhead policy install "$IT/vpn.yaml" >/dev/null || fail "policy $1 is refused"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start && laptop_guest && beacon_start || fail "bulkheadd or the beacon does not start"
policy 20 51820
lab_start echo nsenter --net=/run/netns/inet "$FORGE" echo-at $LAN_SERVER 51820
# one that swallows: what the server sends again by itself is no frame of work's
lab_start swallow nsenter --net=/run/netns/inet busybox nc -ll -p 5002 -e /bin/dd of=/dev/null
lans_plug corp
lab_wait 60 work_is open || fail "work is not open at the company"
stream=$(lab_token stream)
lab_start stream nsenter --net=/run/netns/work "$LAB_TOOLS/send" tcp $LAN_SERVER 5002 "$stream"
lab_wait 5 lab_seen corp "text:$stream" || fail "the stream does not start"
asks "$(lab_token open)" || fail "the endpoint does not answer in proven"

lab_stop beacon
lab_wait 90 work_is vpn || fail "work keeps more than its VPN without a proof"
from=$(lab_now)
laptop_zone_is suspect || fail "a proof that ended leaves no suspicion"
asks "$(lab_token vpn)" || fail "the endpoint does not answer in suspect"
! work_gets "http://$LAN_SERVER/" || fail "work gets more than its VPN"
[ "$(after "$stream" "$from")" = 0 ] || fail "the stream outlives the proof"

beacon_start || fail "no beacon"
lab_wait 60 work_is open || fail "a new proof does not open"
lab_wait 5 work_gets "http://$LAN_SERVER/" || fail "work gets no page"
[ "$(after "$stream" "$from")" = 0 ] || fail "the stream comes back to life"

lab_stop beacon
lab_wait 90 work_is vpn || fail "work keeps more than its VPN without a proof"
asks "$(lab_token again)" || fail "the endpoint does not answer again"
policy 21 51821
lab_wait 10 forgotten && lab_wait 10 work_is vpn || fail "work lost its VPN to another policy"
! asks "$(lab_token gone)" || fail "an endpoint answers that the policy does not name any more"
[ "$(laptop_audit '[.[] | select(.kind == "grant" and .subject == "vif1.0" and .phase == "intent") | .to] | unique | join(" ")')" = "open vpn" ] ||
	fail "the log does not name the grants"
echo "the direct stream ended with the proof: 0 frames later; the endpoint answered on"
