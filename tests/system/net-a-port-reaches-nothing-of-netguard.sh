#!/usr/bin/env bash
# Granted or not, a port gets no answer from the namespace's own addresses, nor does the LAN: no ping,
# no TCP, no UDP. What a port needs comes in, neighbour discovery and the requests for an address and a router;
# nothing that differs in one thing reaches a socket there, raw ones included.
# holds: input input_port
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
. "$LAB_TOP/tests/lab/hear.sh"
lab_enter "$@"

try_all() { # try_all WORD - prints the addresses that answered
	local a
	for a in 100.64.0.1 100.64.0.5 192.168.7.50 fd62:756c:6b00::1 fd07::50; do
		! fw_pings $a || echo "personal:$a"
		! timeout 1 bash -c ": </dev/tcp/$a/7000" 2>/dev/null || echo "tcp:$a"
	done
	for a in 192.168.7.50 fd07::50; do
		! lab_in lan ping -q -c 1 -W 1 $a >/dev/null 2>&1 || echo "lan:$a"
	done
}

near() { ip -n "$1" -6 -o addr show dev "$2" scope link | sed 's|.* inet6 \([^/]*\)/.*|\1|'; }
six() { # six KIND MAC TO PROTOCOL HEX
	"$LAB_TOOLS/forge" bh0 own "$2" ip6 "$near" "$3" "$4" "$5" "$token-$1." 2 >/dev/null
}
four() { # four KIND MAC FROM TO HEX
	"$LAB_TOOLS/forge" bh0 own "$2" ip4 "$3" "$4" 17 0 - "${5}00000000" "$token-$1." 2 >/dev/null
}
routers=33:33:00:00:00:02 everybody=ff:ff:ff:ff:ff:ff
nd=00000000000000fd62756c6b0000000000000000000001
needed() {
	six ns "$mac" "$port" 58 87$nd
	six na "$mac" "$port" 58 88$nd
	six rs $routers ff02::2 58 8500000000000000
	four all $everybody 0.0.0.0 255.255.255.255 00440043
	four own "$mac" 100.64.0.2 100.64.0.1 00440043
}
other() {
	six ns-hops "$mac" "$port" 58/64 87$nd
	six rs-far "$mac" "$port" 58 8500000000000000
	six rs-hops $routers ff02::2 58/64 8500000000000000
	six report $routers ff02::2 58 8f00000000000000
	six udp "$mac" "$port" 17 1388138800000000
	four all-from $everybody 0.0.0.0 255.255.255.255 13880043
	four all-to $everybody 0.0.0.0 255.255.255.255 00441388
	four own-from "$mac" 100.64.0.2 100.64.0.1 13880043
	four own-to "$mac" 100.64.0.2 100.64.0.1 00441388
	four names "$mac" 100.64.0.2 100.64.0.1 13880035
}
right="ns na rs all own" wrong="ns-hops rs-far rs-hops report udp all-from all-to own-from own-to names"

fw_links
fw_without
lab_wait 10 eval '[[ $(near bulkhead host0) == fe80* && $(ip -n bulkhead addr show dev host0) != *tentative* ]]' || fail "no link"
mac=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
port=$(near bulkhead host0)
near=$(ip -6 -o addr show dev bh0 scope link | sed 's|.* inet6 \([^/]*\)/.*|\1|')
hear_begin
token=$(lab_token without)
needed && other
# shellcheck disable=SC2086 # words
hear_all "without rules" "$token" $right $wrong
lab_start service nsenter --net=/run/netns/bulkhead busybox nc -ll -p 7000 -e /bin/cat
lab_wait 10 eval 'lab_in bulkhead ss -Hltn | grep -q ":7000 "' || fail "nobody listens"
without=$(try_all | wc -l)
[ "$without" = 12 ] || fail "without rules only $without answer: $(try_all)"
fw_reset
fw_with
token=$(lab_token with)
other && needed
# shellcheck disable=SC2086
hear_all "needed" "$token" $right
# shellcheck disable=SC2086
hear_none "$token" $wrong
[ -z "$(try_all)" ] || fail "closed, yet answered: $(try_all)"
fw_grant host0 open 0
fw_pings $FW_LAN || fail "granted, ping does not pass"
token=$(lab_token granted) # names alone come in beside
other && needed
# shellcheck disable=SC2086
hear_all "granted" "$token" $right names
# shellcheck disable=SC2086
hear_none "$token" ${wrong% names}
[ -z "$(try_all)" ] || fail "granted, yet answered: $(try_all)"
echo "without rules $without answered, with them none; $(wc -w <<<"$wrong") kinds of word unheard"
