#!/usr/bin/env bash
# Announcements and replies of the real beacon, recorded while the laptop was proven, are played again
# when the beacon is gone: on the company's LAN the zone is suspect and never proven again; at home the
# replayed announcement closes, and opens nothing.
# case: 31
# title: a recorded announcement or reply is replayed
# expect dom0: suspect; the reply is refused
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

never() { # nothing proven since SEQ, whatever is played
	! case_audited ".seq > $seq and .kind == \"zone\" and .to == \"proven\"" || fail "a replay proved something"
	case_none "$1" case_tries $CASE_KINDS
}
play() { # play LAN - what the beacon said then, one second of it after the other
	local round
	for ((round = 0; round < 4; round++)); do
		lab_in "$1" "$LAB_TOOLS/wire" replay "$LAB/proven.pcap" cable "mac:$beacon" "hex:1876" >"$LAB/played"
		[ "$(<"$LAB/played")" -gt 0 ] || fail "nothing to replay"
		lab_pause 0.5
	done
}

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
case_laptop
beacon_start || fail "no beacon"
lans_plug corp
case_zone proven
beacon=$(ip -n corp -o link show br0 | sed 's/.*ether \([^ ]*\).*/\1/')
lab_stop wire-corp
cp "$LAB/corp.pcap" "$LAB/proven.pcap"
lab_stop beacon
seq=$(laptop_seq)
lans_plug corp
case_zone suspect
play corp
never corp
[ "$(laptop_zone)" != proven ] || fail "proven"
lans_plug home
case_zone foreign
case_open
play home
lab_wait 20 laptop_zone_is suspect || fail "a replayed announcement does not close: $(laptop_zone)"
never home
case_end "$(<"$LAB/played") frames played, eight times"
