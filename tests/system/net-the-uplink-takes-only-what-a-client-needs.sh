#!/usr/bin/env bash
# From the LAN come in: answers of DHCP, router advertisements, neighbour discovery, listener queries and
# announcements of beacons, each from where it comes from and with the hop limit it must have. Nothing else
# reaches a socket in the namespace, raw ones included; a router that says who it is is used.
# holds: input input_uplink
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
. "$LAB_TOP/tests/lab/hear.sh"
lab_enter "$@"

forge="$LAB_TOOLS/forge"
mac() { ip -n "$1" -o link show "$2" | sed 's/.*ether \([^ ]*\).*/\1/'; }
near() { ip -n "$1" -6 -o addr show dev "$2" scope link | sed 's|.* inet6 \([^/]*\)/.*|\1|'; }
four() { # four KIND PROTOCOL HEX [MAC TO]
	lab_in lan "$forge" w0 own "${4-$up}" ip4 $FW_LAN "${5-192.168.7.50}" "$2" 0 - "$3" "$token-$1." 2 >/dev/null
}
six() { # six KIND FROM PROTOCOL HEX [MAC TO]
	lab_in lan "$forge" w0 own "${5-$up}" ip6 "$2" "${6-$up6}" "$3" "$4" "$token-$1." 2 >/dev/null
}
settled() { fw_carrier && [[ $(ip -n bulkhead addr show dev up0) != *tentative* ]]; }
router() { [[ $(ip -n bulkhead -6 route show default dev up0) == *"via $lan6 proto ra"* ]]; }

all=33:33:00:00:00:01
target=fd070000000000000000000000000050
query=3a000502000001008200000000010000$(printf '0%.0s' {1..32}) # router alert (RFC 2711), then RFC 2710 3
needed() {
	four dhcp4 17 0043004400000000
	six dhcp6 "$lan6" 17 0223022200000000
	six ra "$lan6" 58 8600000000000000"$(printf '0%.0s' {1..16})"0501000000000500 # a useless MTU option, then rubbish
	six ns "$lan6" 58 8700000000000000$target
	six na "$lan6" 58 8800000000000000$target
	six query "$lan6" 0/1 "$query" $all ff02::1
	four beacon4 17 1388187600000000 01:00:5e:00:00:01 224.0.0.1
	six beacon6 "$lan6" 17 1388187600000000 $all ff02::1
}
other() {
	four dhcp4-from 17 1388004400000000
	four dhcp4-to 17 0043138800000000
	six dhcp6-from "$lan6" 17 1388022200000000
	six dhcp6-to "$lan6" 17 0223138800000000
	six dhcp6-far $FW_LAN6 17 0223022200000000
	six ra-far $FW_LAN6 58 86000000000000000000000000000000
	six ra-hops "$lan6" 58/64 86000000000000000000000000000000
	six ns-hops "$lan6" 58/64 8700000000000000$target
	six query-far $FW_LAN6 0/1 "$query" $all ff02::1
	six query-hops "$lan6" 0/2 "$query" $all ff02::1
	six near-udp "$lan6" 17/1 1388187700000000
	four near-beacon 17 1388187700000000
	four dns 17 0035ea6000000000
	four mdns 17 14e914e900000000 01:00:5e:00:00:01 224.0.0.1
	six mdns6 "$lan6" 17 14e914e900000000 $all ff02::1
	four ssh 6 13880016000000010000000050020fff00000000
	four synack 6 01bbea60000000010000000150120fff00000000
	six ssh6 $FW_LAN6 6 13880016000000010000000050020fff00000000
	four echo 1 0800000000070001
	four time 1 0d00000000070001
	four redirect 1 05010000c0a8070945000020000040004011000064400002
	six echo6 $FW_LAN6 58 8000000000070001
	six redirect6 "$lan6" 58 8900000000000000$target$target
	six report "$lan6" 58 8f00000000000000
	six node $FW_LAN6 58 8b00000000000000
}
# an address and a port that nobody answers at is no matter: raw sockets hear before that
kinds="dhcp4-from dhcp4-to dhcp6-from dhcp6-to dhcp6-far ra-far ra-hops ns-hops query-far query-hops near-udp near-beacon
dns mdns mdns6 ssh synack ssh6 echo time redirect echo6 redirect6 report node"
right="dhcp4 dhcp6 ra ns na query beacon4 beacon6"

fw_links
fw_without
lab_wait 10 settled || fail "no link"
up=$(mac bulkhead up0) up6=$(near bulkhead up0) lan6=$(near lan w0)
hear_begin
token=$(lab_token without)
needed && other
# shellcheck disable=SC2086
hear_all "without rules" "$token" $kinds $right
fw_reset
fw_with
lab_wait 10 settled || fail "no link"
up6=$(near bulkhead up0)
token=$(lab_token with)
other && needed
# shellcheck disable=SC2086
hear_all "needed" "$token" $right
# shellcheck disable=SC2086
hear_none "$token" $kinds
from=$SECONDS many=$(lab_token many)
lab_in lan "$forge" w0 own $all ip6 "$lan6" ff02::1 0/1 "$query" "$many." 400 >/dev/null
token=$(lab_token after)
needed
lab_wait 5 heard "$token-beacon6." || fail "the LAN is not heard any more"
queries=$(grep -ahoF "$many." "$LAB/hear-6-58.log" | wc -l)
[ "$queries" -ge 1 ] && [ "$queries" -le $((10 + 15 * (SECONDS - from + 1))) ] || fail "$queries of 400 queries come in"
ip -n bulkhead -6 route flush default
lab_in lan "$forge" w0 own $all ip6 "$lan6" ff02::1 58 86000000400007080000000000000000 "" 1 >/dev/null
lab_wait 5 router || fail "the kernel does not take the router that advertised itself: $(ip -n bulkhead -6 route)"
echo "of $(wc -w <<<"$kinds $right") kinds $(wc -w <<<"$right") come in, of 400 queries $queries"
