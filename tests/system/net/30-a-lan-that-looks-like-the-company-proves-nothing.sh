#!/usr/bin/env bash
# A hostile LAN with the company's DHCP suffix, addresses, resolver that answers for the intranet with a
# PTR to match, router advertisement and a switch of the right name: suspect, for as long as it likes.
# The work VM is not let out directly, personal not at all.
# case: 30
# title: hostile LAN with the right suffix, DNS, PTR, LLDP
# expect dom0: suspect only; nothing direct for work, nothing for personal
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

work() { lab_in work "$LAB_TOOLS/send" udp "$near" 9 "$1-near-" 3; lab_in work "$LAB_TOOLS/send" udp $LAN_SERVER 9 "$1-far-" 3; lab_in work "$LAB_TOOLS/send" new "$near" 443 "$1-web-" 3; }
near=$LAN_GATEWAY_corp

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
case_laptop
laptop_guest || fail "no work VM"
lans_switch || lab_skip "no lldpd in out/peers: run 'make peers'"
lans_plug corp
case_zone suspect
lab_wait 40 lab_seen corp type:88cc || fail "the switch is silent: $(tail -n 3 "$LAB/lldpd.log")"
lab_in corp busybox nslookup intranet.corp.example 127.0.0.1 >/dev/null 2>&1 || true
for ((round = 0; round < 4; round++)); do
	case_none corp work near far web
	case_none corp case_tries $CASE_KINDS
	case $(laptop_zone) in
	suspect | unknown) ;; # an event on the link: nothing looser
	*) fail "it became $(laptop_zone)" ;;
	esac
	lab_pause 1
done
case_zone suspect
! case_audited '.kind == "zone" and .to == "proven"' || fail "it was proven for a moment"
! case_audited '.kind == "grant" and .to == "open"' || fail "work was open for a moment"
evidence=$(laptop_audit '[.[] | select(.kind == "zone" and .to == "suspect")] | last | .proof // .evidence // ""')
case_end "suspect: $evidence"
