#!/usr/bin/env bash
# They speak for the link they are on. Under an open grant a port cannot send or answer them.
# holds: dispatch
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

try_all() { # try_all TOKEN
	local p
	for p in 67 68 546 547 6262; do
		"$FW_FORGE" udp 100.64.0.2 $FW_LAN 4000 $p "$1-d$p-" 2 >/dev/null
		"$FW_FORGE" udp 100.64.0.2 $FW_LAN $p 4000 "$1-s$p-" 2 >/dev/null
		"$FW_FORGE" udp fd62:756c:6b00::2 $FW_LAN6 4000 $p "$1-d$p-six" 2 >/dev/null
	done
}

fw_links
lab_record lan lan w0
fw_without
seen=$(lab_token without)
try_all "$seen"
for p in 67 68 546 547 6262; do
	lab_wait 3 lab_seen lan "text:$seen-d$p-" && lab_wait 3 lab_seen lan "text:$seen-s$p-" &&
		lab_wait 3 lab_seen lan "text:$seen-d$p-six" || fail "the sniffer does not hear port $p"
done
fw_reset
fw_with
fw_grant host0 open 0
try=$(lab_token try)
try_all "$try"
"$FW_FORGE" udp 100.64.0.2 $FW_LAN 4000 6263 "$try-other" 2 >/dev/null
lab_wait 3 lab_seen lan "text:$try-other" || fail "another port does not pass"
for p in 67 68 546 547 6262; do
	[ "$(lab_count lan "text:$try-d$p-" "text:$try-s$p-" | sort -u)" = 0 ] || fail "port $p is forwarded"
done
echo "five ports, to and from: 0 frames"
