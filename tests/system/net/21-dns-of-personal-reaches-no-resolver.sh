#!/usr/bin/env bash
# Name queries of the personal OS: to the company's resolver, to one on the internet, by UDP and TCP, v4
# and v6, to port 53 of anybody, DoT, DoH, DoQ, to the router's own addresses. On the company's LAN none
# is heard; at home none reaches the company's prefixes.
# case: 21
# title: DNS to the company's resolver, DoT, DoH, port 53 to any
# expect dom0: 0 frames
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

ask() { # ask TOKEN ADDRESS WORD - all ways to one resolver
	case_personal "$LAB_TOOLS/send" dns "$2" "$1-$3dns-" 2
	case_personal "$LAB_TOOLS/send" new "$2" 53 "$1-$3tcp-" 2
	case_personal "$LAB_TOOLS/send" new "$2" 853 "$1-$3dot-" 2
	case_personal "$LAB_TOOLS/send" new "$2" 443 "$1-$3doh-" 2
	case_personal "$LAB_TOOLS/send" udp "$2" 853 "$1-$3doq-" 2
	case_personal "$LAB_TOOLS/send" udp "$2" 5353 "$1-$3mdns-" 2
}
tries() {
	ask "$1" $LAN_GATEWAY_corp corp
	ask "$1" $LAN_GATEWAY6_corp six
	ask "$1" $LAN_SERVER far
	case_personal "$LAB_TOOLS/send" dns 10.77.200.200 "$1-any-" 2
	case_personal "$LAB_TOOLS/send" dns 100.64.0.1 "$1-own-" 2 # netguard's own resolver: closed to it
	case_personal timeout 3 busybox nslookup "$1-name-x.corp.example" 100.64.0.1 >/dev/null 2>&1 || true
}
kinds= company=
for to in corp six far; do
	for how in dns tcp dot doh doq mdns; do kinds+=" $to$how"; done
	[ $to = far ] || company+=$kinds
done

case_plain corp
ip -n corp addr add 10.77.200.200/32 dev br0
# shellcheck disable=SC2086 # words
case_without corp tries $kinds any
case_clean
case_laptop
lans_plug corp
# shellcheck disable=SC2086
case_none corp tries $kinds any own name # unknown
case_zone suspect
# shellcheck disable=SC2086
case_none corp tries $kinds any own name
lans_plug home
case_zone foreign
case_open
# shellcheck disable=SC2086
case_none home tries $company any
case_some home tries fardns fartcp fardot fardoh
case_end "unknown, suspect: nothing; at home nothing for the company"
