#!/usr/bin/env bash
# Router advertisements, redirects of both families and DHCP servers' answers made by the personal OS,
# for the LAN and for the work VM, whole and with right checksums: none arrives.
# case: 26
# title: personal sends RA, DHCP server replies, redirects
# expect dom0: 0 frames, on the LAN and at the work VM
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff all6=33:33:00:00:00:01
offer=0043004400000000$(printf '0201060042480001%016x' 0)64400006$(printf '%056x' 0)
ra=8600000040000708000000000000000003044040000151800001518000000000fd62756c6b0000990000000000000000
tries() {
	local to
	for to in $all "$host0"; do
		$run "$CASE_FORGE" $from own "$to" ip4 100.64.0.2 255.255.255.255 17 0 - "$offer" "$1-dhcp4-" 2
		$run "$CASE_FORGE" $from own "$to" ip4 100.64.0.2 100.64.0.6 17 0 - "$offer" "$1-dhcp4work-" 2
		$run "$CASE_FORGE" $from own "$to" ip4 100.64.0.5 100.64.0.6 1 0 - "0501000064400002" "$1-redirect4-" 2
	done
	for to in $all6 "$host0"; do
		$run "$CASE_FORGE" $from own "$to" ip6 fe80::1 ff02::1 58 "$ra" "$1-ra-" 2
		$run "$CASE_FORGE" $from own "$to" ip6 fe80::1 fd62:756c:6b00:1::2 58 "$ra" "$1-rawork-" 2
		$run "$CASE_FORGE" $from own "$to" ip6 fe80::1 fd62:756c:6b00:1::2 58 \
			"8900000000000000fd62756c6b0000000000000000000002fd070000000000000000000000000001" "$1-redirect6-" 2
		$run "$CASE_FORGE" $from own "$to" ip6 fe80::1 fe80::2 17 "0223022200000000" "$1-dhcp6-" 2
	done
}
kinds="dhcp4 dhcp4work redirect4 ra rawork redirect6 dhcp6"

host0=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
run="lab_in bulkhead" from=up0
# shellcheck disable=SC2086 # words
case_without lan tries $kinds
case_with
run=case_personal from=bh0
case_record work work eth0
lab_in work sysctl -qw net.ipv6.conf.eth0.accept_ra=2 # the most believing guest
for grants in none open; do
	[ $grants = none ] || fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
	# shellcheck disable=SC2086
	case_none lan tries $kinds
	# shellcheck disable=SC2086
	case_none work tries $kinds
done
! grep -q fd62:756c:6b00:99: <<<"$(ip -n work -6 addr show)" || fail "the work VM took the prefix"
case_end
