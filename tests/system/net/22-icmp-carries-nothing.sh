#!/usr/bin/env bash
# ICMP as a tunnel: echo, timestamp, address mask, information, unasked answers and errors, IPv6 node
# information. Closed, nothing of it leaves; granted, an echo request does and nothing else.
# holds: admit
# case: 22
# title: ICMP echo and timestamp tunnels
# expect dom0: 0 frames; under a grant echo requests only
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

tries() {
	local type
	for type in 08:echo 00:answer 0d:timestamp 0e:stamped 11:mask 0f:information 03:unreachable 05:redirect 0b:exceeded; do
		case_personal "$CASE_FORGE" bh0 own "$host0" ip4 100.64.0.2 $FW_LAN 1 0 - "${type%%:*}00000042480001" "$1-${type##*:}-" 3
	done
	for type in 80:echo6 81:answer6 8b:node6 8c:noded6 01:unreachable6 89:redirect6 82:query6; do
		case_personal "$CASE_FORGE" bh0 own "$host0" ip6 fd62:756c:6b00::2 $FW_LAN6 58 "${type%%:*}00000042480002" "$1-${type##*:}-" 3
	done
}

host0=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
rest="answer timestamp stamped mask information answer6 node6 noded6"
errors="unreachable redirect exceeded unreachable6 redirect6 query6"
# shellcheck disable=SC2086 # words
case_without lan tries echo $rest echo6
case_with
# shellcheck disable=SC2086
case_none lan tries echo echo6 $rest $errors
fw_grant host0 open 0
case_some lan tries echo echo6
# shellcheck disable=SC2086
case_none lan tries $rest $errors
case_end
