#!/usr/bin/env bash
# Inside the namespace a bad sensor has a packet socket that root opened, and even the mark of the
# current epoch: none of its frames leave. Of ordinary sockets only the prober's to the beacon port
# and root's DHCP do.
# holds: local_ egress_ leak
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

inside() { lab_in bulkhead "$@" >/dev/null; }

try_all() { # try_all TOKEN
	inside "$FW_FORGE" frame up0 0 0 "$1-frame0" 5
	inside "$FW_FORGE" frame up0 $((FW_UID_BASE + 2)) 0 "$1-framed" 5
	inside "$FW_FORGE" frame up0 $((FW_UID_BASE + 2)) 0x42480001 "$1-marked" 5
	inside "$FW_FORGE" frame up0 $((FW_UID_BASE + 5)) 0 "$1-prover" 5
	inside "$FW_FORGE" socket 0 $FW_LAN 4000 4000 "$1-root4" 3
	inside "$FW_FORGE" socket 0 $FW_LAN6 4000 4000 "$1-root6" 3
	inside "$FW_FORGE" socket 0 $FW_LAN 4000 53 "$1-dns" 3
	inside "$FW_FORGE" socket $((FW_UID_BASE + 5)) $FW_LAN 4000 4000 "$1-prove-else" 3
	inside "$FW_FORGE" socket $((FW_UID_BASE + 2)) $FW_LAN 4001 6262 "$1-sniff-beacon" 3
	inside ping -c 2 -W 1 -p "$(printf %s "${1: -8}" | od -An -tx1 | tr -d ' ')" $FW_LAN || true
	inside "$FW_FORGE" socket 0 $FW_LAN 68 67 "$1-dhcp4" 3
	inside "$FW_FORGE" socket 0 $FW_LAN6 546 547 "$1-dhcp6" 3
	inside "$FW_FORGE" socket $((FW_UID_BASE + 5)) $FW_LAN 4001 6262 "$1-prove4" 3
	inside "$FW_FORGE" socket $((FW_UID_BASE + 5)) $FW_LAN6 4001 6262 "$1-prove6" 3
}

fw_links
lab_record lan lan w0
fw_without
seen=$(lab_token without)
try_all "$seen"
for kind in frame0 framed marked prover root4 root6 dns prove-else sniff-beacon dhcp4 dhcp6 prove4 prove6; do
	lab_wait 3 lab_seen lan "text:$seen-$kind" || fail "the sniffer does not hear $kind"
done
lab_wait 3 lab_seen lan "text:${seen: -8}${seen: -8}" || fail "the sniffer does not hear the ping"
fw_reset
fw_with
fw_grant host0 open 0
fw_pings $FW_LAN || fail "granted, ping does not pass"
try=$(lab_token with)
try_all "$try"
for kind in dhcp4 dhcp6 prove4 prove6; do
	lab_wait 3 lab_seen lan "text:$try-$kind" || fail "$kind does not leave"
done
for kind in frame0 framed marked prover root4 root6 dns prove-else sniff-beacon; do
	[ "$(lab_count lan "text:$try-$kind")" = 0 ] || fail "$kind is on the wire $(lab_count lan "text:$try-$kind") times"
done
[ "$(lab_count lan "text:${try: -8}${try: -8}")" = 0 ] || fail "netguard's own ping is on the wire"
echo "stopped on the way out: $(fw_counter netdev leak)"
