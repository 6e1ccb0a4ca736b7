#!/usr/bin/env bash
# netguard's own questions: the answer of a beacon comes to who asked, IPv4 and IPv6; an error about the
# question does not, whoever sends it. They go out from the port and the address that they have: none is translated.
# On its loopback link the namespace hears itself.
# holds: input_uplink input output source nat
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
. "$LAB_TOP/tests/lab/hear.sh"
lab_enter "$@"

prove=$((FW_UID_BASE + 5))
ask() { lab_in bulkhead "$FW_FORGE" ask udp $prove "$@"; }
want() { [ "$2" = "$3" ] || fail "$1: '$2', not '$3'"; }
listening() { lab_in lan ss -Hlun | grep -q "$1.*:6262 "; }
ready() { [[ $(ip -n bulkhead addr show dev up0) != *tentative* ]]; }

fw_links
fw_without
want "without rules, a closed port" "$(ask $FW_LAN 6262)" "Connection refused"
want "without rules, a closed port (v6)" "$(ask $FW_LAN6 6262)" "Connection refused"
fw_reset
fw_with
hear_begin
lab_wait 10 ready || fail "no link"
pids=()
later() { # later NAME ADDRESS
	ask "$2" 6262 >"$LAB/$1" &
	pids+=($!)
}
later refused4 $FW_LAN
later refused6 $FW_LAN6
wait "${pids[@]}" # (a bare wait waits for the driver, too)
want "an error about a question" "$(<"$LAB/refused4")" silence
want "an error about a question (v6)" "$(<"$LAB/refused6")" silence
want "itself" "$(lab_in bulkhead "$FW_FORGE" ask udp 0 127.0.0.1 9)" "Connection refused"
want "itself (v6)" "$(lab_in bulkhead "$FW_FORGE" ask udp 0 ::1 9)" "Connection refused"
for at in 4 6; do
	address=FW_LAN
	[ $at = 4 ] || address=FW_LAN6
	lab_start "echo$at" nsenter --net=/run/netns/lan "$FW_FORGE" echo-at ${!address} 6262
	lab_wait 5 listening ${!address} || fail "nobody echoes at ${!address}"
	want "the answer at ${!address}" "$(ask ${!address} 6262)" answer
	port=$(sed -n 's/from //p' "$LAB/echo$at.log")
	[ "$port" -ge 60000 ] || fail "a question comes from port $port"
done
lab_record lan lan w0
ip -n bulkhead addr add 192.168.7.51/24 dev up0
lab_in bulkhead "$FW_FORGE" udp 192.168.7.51 $FW_LAN 68 67 word 2 >/dev/null
lab_wait 3 lab_seen lan hex:c0a80733c0a8070100440043 || fail "what netguard says is translated"
echo "two answers come, errors do not; it hears itself"
