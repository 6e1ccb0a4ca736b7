#!/usr/bin/env bash
# Root takes the NIC out of the namespace into the host's. The personal OS cannot: it sees no NIC. What
# dom0 does not hold is said: the zone is unknown, personal's port closed, the log has both; and moved
# in again it begins closed.
# case: 7
# title: the NIC is moved to another namespace
# expect dom0: impossible without CAP_SYS_ADMIN; by root: closed, audit record
# expect guard: impossible
# expect split: impossible
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
case_laptop
lans_plug home
case_zone foreign
case_open
! case_personal ip link set en0 netns 1 2>/dev/null || fail "personal sees the uplink"
! case_personal nsenter --net=/run/netns/bulkhead true 2>/dev/null || fail "personal enters the namespace"
! case_personal ip -n bulkhead link set en0 netns 1 2>/dev/null || fail "personal moves the uplink"
! case_personal ip netns del bulkhead 2>/dev/null || fail "personal deletes the namespace"
case_open
seq=$(laptop_seq)
ip -n bulkhead link set en0 netns $$
gone() { case_audited ".seq > $seq and .kind == \"zone\" and .subject == \"en0\" and .to == \"unknown\""; }
lab_wait 10 gone || fail "no record of the uplink that went"
closed() { case_audited ".seq > $seq and .kind == \"grant\" and .subject == \"host0\" and .to == \"closed\""; }
lab_wait 10 closed || fail "no record of the port that closed"
[[ $(ip -o link show en0) != *[\<,]UP[,\>]* ]] || fail "the NIC came out up"
case_none home case_tries $CASE_KINDS
/usr/libexec/bulkhead/bulkhead-netns uplink en0
case_zone foreign
case_open
case_end "recorded as en0 unknown and host0 closed"
