#!/usr/bin/env bash
# The whole daemon on a network with a captive portal, under a policy that opens no foreign network. On
# the user's word personal gets the portal's page, and nothing else leaves, neither another port nor
# the company's networks; time, the user, a sign, another link and another policy each end it.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
policy() { # policy SERIAL LINES... - a new one, in force
	local serial=$1 lines
	shift
	lines=$(printf '  %s\\n' "$@")
	PKI_WINDOW=1s pki_policy "$serial" "$(pki_date +20days)" | sed "s/^  foreign: .*/${lines%\\n}/" >"$IT/portal.yaml"
	pki_sign policy "$IT/portal.yaml"
	bulkhead policy install "$IT/portal.yaml" >/dev/null || fail "policy $serial is refused"
}
port_is() { # port_is CLASS VERDICT
	[ "$(laptop_status ".ports[] | select(.class == \"$1\") | .verdict")" = "$2" ]
}
is_foreign() { laptop_zone_is foreign; }
resolves() { # a name, by the port's own resolver
	[[ $(timeout 3 busybox nslookup server.example 100.64.0.1 2>/dev/null) == *"$LAN_SERVER"* ]]
}
pen() { # the user's word
	bulkhead net portal "$@" >"$LAB/portal.txt" 2>&1
}
pen_opens() { # an address that comes late makes it unknown once more
	lab_wait 40 pen || fail "the user's word is not taken: $(cat "$LAB/portal.txt")"
	lab_wait 3 port_is personal portal || fail "the portal does not open"
}
refused() { # refused WORDS... - exit 3, and why
	pen
	[ $? = 3 ] && grep -q "$1" "$LAB/portal.txt" || fail "not refused for '$1': $(cat "$LAB/portal.txt")"
}
KINDS="tcp udp dns ping ping6 corp rdns"
tries() { # tries TOKEN - as personal
	"$LAB_TOOLS/send" new $LAN_SERVER 5001 "$1-tcp-" 2 >/dev/null
	"$LAB_TOOLS/send" udp $LAN_SERVER 80 "$1-udp-" 2 >/dev/null
	"$LAB_TOOLS/send" dns $LAN_SERVER "$1-dns-" 2 >/dev/null
	"$LAB_TOOLS/send" dns $LAN_GATEWAY_home "$1-rdns-" 2 >/dev/null
	"$LAB_TOOLS/send" icmp $LAN_SERVER "$1-ping-" 2 >/dev/null
	"$LAB_TOOLS/send" icmp $LAN_SERVER6 "$1-ping6-" 2 >/dev/null
	"$LAB_TOOLS/send" new $LAN_GATEWAY_corp 80 "$1-corp-" 2 >/dev/null
}
heard() { # heard TOKEN - the kinds that the home LAN has
	local kind
	for kind in $KINDS; do
		! lab_seen home "text:$1-$kind-" || echo "$kind"
	done
}
all_but_corp() { [ "$(heard "$1" | grep -vc corp)" = $(($(wc -w <<<"$KINDS") - 1)) ]; }
web_heard() { lab_seen home "text:$1"; }

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
sysctl -qw net.ipv4.tcp_fastopen=5 net.ipv4.tcp_fastopen_blackhole_timeout_sec=0
# the portal: whatever page is asked for, this is what comes
mkdir -p "$LAB/www-portal" && echo "please accept our terms" >"$LAB/www-portal/index.html"
lab_start www-portal nsenter --net=/run/netns/home busybox httpd -f -p 8080 -h "$LAB/www-portal"
lab_in home nft 'table ip portal { chain c { type nat hook prerouting priority dstnat; iifname "br0" tcp dport 80 redirect to :8080; }; }' ||
	fail "no portal"
laptop_start && laptop_guest || fail "bulkheadd does not start"
lans_plug home

policy 10 "foreign: allow"
lab_wait 40 is_foreign || fail "the home LAN does not become foreign"
lab_wait 5 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page where all is allowed"
seen=$(lab_token seen)
tries "$seen"
lab_wait 5 all_but_corp "$seen" || fail "the sniffer hears only: $(heard "$seen" | tr '\n' ' ')"
pen && fail "a word is taken where all is open already"

policy 11 "foreign: enrolled-only"
lab_wait 40 is_foreign || fail "the home LAN does not become foreign again"
refused "policy keeps this closed"
! personal_gets "http://$LAN_SERVER/" || fail "personal gets a page without a word"

policy 12 "foreign: enrolled-only" "portal: allow" "portal_time: 8s"
lab_wait 40 is_foreign || fail "the home LAN does not become foreign again"
! personal_gets "http://$LAN_SERVER/" || fail "personal gets a page without a word"
pen_opens
from=$(lab_ms)
lab_wait 5 resolves || fail "the portal's time has no names"
grep -q "8 s" "$LAB/portal.txt" || fail "the command does not say for how long: $(cat "$LAB/portal.txt")"
personal_gets "http://$LAN_SERVER/" && grep -q "accept our terms" "$LAB/personal-page" ||
	fail "personal does not get the portal's page"
[ "$(laptop_status '.uplinks[0].portal_left_ms > 0')" = true ] || fail "status does not show the time left"
bulkhead status | grep -q 'captive portal: web pages for' || fail "status does not tell people the time left"
try=$(lab_token try)
tries "$try"
web=$(lab_token web)
"$LAB_TOOLS/send" new $LAN_SERVER 443 "$web" 2 >/dev/null
lab_wait 3 web_heard "$web" || fail "TCP to port 443 does not leave"
port_is work closed || fail "work is open in the portal's time"
lab_wait 15 port_is personal closed || fail "the portal's time does not end"
took=$(lab_since "$from")
! personal_gets "http://$LAN_SERVER/" || fail "personal gets a page after the time"
! resolves || fail "personal gets names after the time"
[ -z "$(heard "$try")" ] || fail "the LAN hears: $(heard "$try" | tr '\n' ' ')"
[ "$(laptop_audit '[.[] | select(.kind == "grant" and (.to == "portal" or .from == "portal")) | .phase] | join(" ")')" = \
	"intent outcome event" ] || fail "the log does not have the intent, its outcome and the end"

policy 13 "foreign: enrolled-only" "portal: allow"
pen_opens
pen --end || fail "the user cannot end it"
lab_wait 1 port_is personal closed || fail "the user's end does not close"

pen_opens
lans_unplug
lab_wait 3 port_is personal closed || fail "open without a cable"
lans_plug home
lab_wait 40 is_foreign || fail "the home LAN does not become foreign again"
port_is personal closed || fail "the word outlives its link"

pen_opens
policy 14 "foreign: enrolled-only" "portal: allow"
lab_wait 40 is_foreign || fail "the home LAN does not become foreign again"
port_is personal closed || fail "the word outlives its policy"

pen_opens
# one frame of a switch: chassis, port "1", 120 s (802.1AB 8.5)
lab_in home "$LAB_TOOLS/forge" cable 02:00:00:00:00:01 01:80:c2:00:00:0e frame \
	88cc02070402000000000104020531060200780000 "$(lab_token lldp)" 1 >/dev/null || fail "no LLDP frame"
lab_wait 3 laptop_zone_is suspect || fail "LLDP is no sign"
lab_wait 1 port_is personal closed || fail "open beside a sign"
! personal_gets "http://$LAN_SERVER/" || fail "personal gets a page beside a sign"
refused "corporate sign"
echo "the portal's page loads, $(wc -w <<<"$KINDS") other kinds: 0 frames; its 8 s took $took s"
