#!/usr/bin/env bash
# A firewall that binds to a name loses its NIC with the name. The personal OS cannot rename what it
# does not see. Root in the namespace can: the uplink goes down, personal with it, the audit log names
# the uplink, and under its old name it is known anew.
# case: 6
# title: the NIC is renamed
# expect dom0: 0 frames; by root in the namespace: closed, alarm and audit record
# expect guard: out of reach
# expect split: out of reach
# kernels: 6.1 6.18
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

drop='table netdev peer { chain e { type filter hook egress device "en0" priority 0; policy drop; }; }'
renamed() { # a peer's way: a chain on a name
	ip link set en0 down
	ip link set en0 name en7
	ip link set en7 up
	ip route replace default via $LAN_GATEWAY_corp
	case_personal "$LAB_TOOLS/send" packet en7 ff:ff:ff:ff:ff:ff "$1-raw-" 5
	ip link set en7 down
	ip link set en7 name en0
}

case_plain corp
[[ $(uname -r) == 6.1.* ]] || nft "$drop" # (6.1 binds a chain to the device)
case_without corp renamed raw
nft delete table netdev peer 2>/dev/null || true
case_clean
case_laptop
lans_plug home
case_zone foreign
case_open
case_personal ip link set en0 name en7 2>/dev/null && fail "personal renamed the uplink"
ip -n bulkhead link set en0 down
ip -n bulkhead link set en0 name en7
told() { case_audited '.kind == "tamper" and .subject == "uplink" and (.detail | test("en7"))'; }
lab_wait 10 told || fail "no audit record: $(tail -n 3 $LAPTOP_STATE/audit/00000001.jsonl)"
case_none home case_tries $CASE_KINDS
ip -n bulkhead link set en7 up || true
case_none home case_tries $CASE_KINDS
ip -n bulkhead link set en7 down
ip -n bulkhead link set en7 name en0
case_zone foreign
case_open
case_end "told: $(laptop_audit '[.[] | select(.kind == "tamper")] | last | "\(.subject) \(.detail)"')"
