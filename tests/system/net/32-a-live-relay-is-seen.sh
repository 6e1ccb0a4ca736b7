#!/usr/bin/env bash
# A box at home and one at the company carry the beacon's announcements, the laptop's probes and the
# beacon's replies between them, 1, 5 and 20 ms late. The beacon says whom it saw, and that is the box:
# suspect, the work VM stays where it is, and the log has the reason.
# case: 32
# title: a live relay, with 1, 5 and 20 ms
# expect dom0: refused: the beacon observed another sender; suspect
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

work() { lab_in work "$LAB_TOOLS/send" udp $LAN_GATEWAY_home 9 "$1-near-" 3; lab_in work "$LAB_TOOLS/send" udp $LAN_SERVER 9 "$1-far-" 3; }
refused() { case_audited ".seq > $seq and .kind == \"proof\" and .reason == \"beacon-observed\""; }
carried() { [ "$(grep -c '^carried' "$LAB/relay.log")" -gt "$1" ]; }

case_plain home
case_without home case_tries far echo raw
case_clean
case_laptop
laptop_guest || fail "no work VM"
beacon_start || fail "no beacon"
lab_ns far # the box at the company
ip link add far0 netns far type veth peer name far-port netns corp
ip -n corp link set far-port master br0
ip -n corp link set far-port up
ip -n far link set far0 up
for late in 1 5 20; do
	lans_plug home
	case_zone foreign
	seq=$(laptop_seq)
	: >"$LAB/relay.log"
	lab_start relay "$LAB_TOOLS/relay" far far0 home br0 $late
	lab_wait 20 laptop_zone_is suspect || fail "$late ms: a relayed announcement does not close: $(laptop_zone)"
	lab_wait 30 carried 1 || fail "$late ms: no probe was carried: $(<"$LAB/relay.log")"
	lab_wait 20 refused || fail "$late ms: the log does not say why: $(grep proof $LAPTOP_STATE/audit/00000001.jsonl | tail -n 2)"
	! case_audited '.kind == "zone" and .to == "proven"' || fail "$late ms: proven through a relay"
	case_none home work near far
	case_none home case_tries $CASE_KINDS
	lab_stop relay
done
case_end "refused: $(laptop_audit '[.[] | select(.kind == "proof") | .reason] | unique | join(" ")')"
