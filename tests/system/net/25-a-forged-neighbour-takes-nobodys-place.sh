#!/usr/bin/env bash
# Gratuitous ARP and neighbour advertisements of the personal OS for the LAN's gateway, for the uplink,
# for the work VM and for its gateway: none is on the wire or at the work VM, and nobody's table in the
# namespace names its MAC for them.
# case: 25
# title: gratuitous ARP and neighbour advertisement for others' addresses
# expect dom0: 0 frames; nobody's traffic moves
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff
evil=02:66:66:66:66:66
targets="lan:c0a80701 up0:c0a80732 work:64400006 gate:64400005 own:64400001"
targets6="lan6:fd070000000000000000000000000001 work6:fd62756c6b0000010000000000000002 gate6:fd62756c6b0000010000000000000001"

tries() {
	local t op ip6 run=${run:-case_personal} from=${from:-bh0}
	for t in $targets; do
		for op in 0001 0002; do
			$run "$CASE_FORGE" "$from" $evil $all frame \
				"0806000108000604${op}${evil//:/}${t##*:}ffffffffffff${t##*:}" "$1-${t%%:*}-" 2
		done
	done
	for t in $targets6; do
		ip6=$(sed 's/..../&:/g; s/:$//' <<<"${t##*:}")
		$run "$CASE_FORGE" "$from" $evil 33:33:00:00:00:01 ip6 "$ip6" ff02::1 58 \
			"8800000020000000${t##*:}0201${evil//:/}" "$1-${t%%:*}-" 2
	done
}
kinds="lan up0 work gate own lan6 work6 gate6"

# Without Bulkhead the NIC is the personal OS's own, and a bridge joins it with the work VM.
run="lab_in bulkhead" from=up0
# shellcheck disable=SC2086 # words
case_without lan tries $kinds
case_with
unset run from
case_record work work eth0
for grants in none open; do
	[ $grants = none ] || fw_tell none "pair host0 up0 open 0 5000" "pair vif1.0 up0 open 1 5000" hold
	# shellcheck disable=SC2086
	case_none lan tries $kinds
	# shellcheck disable=SC2086
	case_none work tries $kinds
	stolen=$(ip -n bulkhead neigh show | grep -i $evil | grep -v 'dev host0' || true)
	[ -z "$stolen" ] || fail "the namespace believes: $stolen"
done
fw_work_pings $FW_LAN && fw_pings $FW_LAN || fail "honest traffic does not pass"
! grep -qi $evil <<<"$(ip -n bulkhead neigh show dev vif1.0)" || fail "the work VM's place is taken"
case_end "the work VM keeps its place"
