#!/usr/bin/env bash
# Personal holds a grant and forges: work's address, one of the LAN, one of the corporate network, a
# wrong one of its own subnet.
# holds: source
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

sources4="100.64.0.6 192.168.7.77 10.77.3.9 203.0.113.9"
sources6="fd62:756c:6b00:1::2 fd07::77 2001:db8::9"

try_all() { # try_all TOKEN
	local s n=0
	for s in $sources4; do "$FW_FORGE" udp "$s" $FW_LAN 4000 9 "$1-$((n += 1))-" 3 >/dev/null; done
	for s in $sources6; do "$FW_FORGE" udp "$s" $FW_LAN6 4000 9 "$1-$((n += 1))-" 3 >/dev/null; done
}

fw_links
lab_record lan lan w0
fw_without
seen=$(lab_token without)
try_all "$seen"
for n in 1 2 3 4 5 6 7; do
	lab_wait 3 lab_seen lan "text:$seen-$n-" || fail "the sniffer does not hear forged source $n"
done
fw_reset
fw_with
fw_grant host0 open 0
try=$(lab_token with)
try_all "$try"
honest=$(lab_token honest)
"$FW_SEND" udp $FW_LAN 9 "$honest" 1 >/dev/null
lab_wait 3 lab_seen lan "text:$honest" || fail "an honest source does not pass"
[ "$(lab_count lan "text:$try")" = 0 ] || fail "forged, yet on the wire: $(lab_count lan "text:$try")"
spoofed=$(fw_counter inet spoofed)
[ "$spoofed" -ge 21 ] || fail "the source rule counted $spoofed, not 21"
echo "dropped $spoofed forged packets"
