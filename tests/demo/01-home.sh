# A network without any corporate sign: closed while unknown, then open for personal.
#
# shellcheck shell=bash
demo_step 1 "Cable into the home LAN: unknown, then foreign"

tpm_on || return 1
laptop_install && pki_make && pki_install || return 1
laptop_start || return 1
laptop_guest || return 1

lab_record host0 bulkhead host0
lans_plug home
from=$(lab_ms)
# Personal talks from the first moment on; each try ends by asking whether it was still too early.
token=$(lab_token early)
tried=0
while laptop_zone_is unknown && [ $(($(lab_ms) - from)) -lt 30000 ]; do
	"$LAB_TOOLS/send" udp $LAN_SERVER 9999 "$token" 10 >/dev/null
	"$LAB_TOOLS/send" udp $LAN_GATEWAY6_home 9999 "$token" 10 >/dev/null 2>&1
	laptop_zone_is unknown || break
	tried=$((tried + 20))
	early=$(lab_count home "text:$token")
	port=$(lab_count host0 "text:$token")
done
expect "personal sends while the network is unknown: none is on the wire" \
	"$tried sent, ${port:-0} reached its port, ${early:-none} left" \
	test "${early:-1}" -eq 0 -a "${port:-0}" -gt 0
if lab_wait 20 laptop_zone_is foreign; then
	good "unknown -> foreign, absence of every sign attested" "$(lab_since "$from") s"
else
	bad "unknown -> foreign" "still $(laptop_zone) after $(lab_since "$from") s"
fi
if lab_wait 5 personal_gets "http://$LAN_SERVER/"; then
	good "personal gets its page" "'$(cat "$LAB/personal-page")'"
else
	bad "personal gets its page"
fi
from=$(lab_ms)
if lab_wait 5 laptop_lease && lab_wait 10 personal_gets http://server.example/; then
	good "personal gets address and resolver by DHCP, and a page by name" "$(lab_since "$from") s"
else
	bad "personal gets address and resolver by DHCP, and a page by name"
fi
token=$(lab_token corporate)
"$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9999 "$token" 10 >/dev/null
"$LAB_TOOLS/send" udp $LAN_GATEWAY6_corp 9999 "$token" 10 >/dev/null
heard=$(lab_count home "text:$token")
port=$(lab_count host0 "text:$token")
expect "personal reaches no corporate prefix from here" \
	"20 sent, $port reached its port, $heard left" test "$heard" -eq 0 -a "$port" -gt 0
if work_gets "http://$LAN_SERVER/"; then
	bad "work gets nothing here, beside its VPN"
else
	good "work gets nothing here, beside its VPN" "0 bytes"
fi
