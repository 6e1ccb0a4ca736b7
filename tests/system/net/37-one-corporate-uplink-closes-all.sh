#!/usr/bin/env bash
# Two uplinks: the first at home and open, then the second is plugged into the company's LAN. Personal
# is closed on both, v4 and v6, also what was established, and opens again when the second is out.
# case: 37
# title: two NICs, one at home, one at the company
# expect dom0: 0 frames on both
# expect guard: 0 frames on both
# expect split: 0 frames on both
# kernels: any
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

second() { # the other NIC's cable into LAN
	ip -n "$1" link set cable2 master br0
	ip -n "$1" link set cable2 up
}

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
ip link add en1 address 02:00:00:00:e1:01 type veth peer name cable2 netns corp
tpm_on && laptop_install && pki_make || fail "the laptop is not installed"
sed -i 's/uplinks: \[en0\]/uplinks: [en0, en1]/' $LAPTOP_CONFIG
case_policy >"$IT/policy.yaml" && pki_sign policy "$IT/policy.yaml" && pki_install || fail "no policy"
laptop_start || fail "bulkheadd does not start"
lans_plug home
case_zone foreign
case_open
attack_flow_open || fail "no flow at home"
case_record second corp cable2
second corp
zone2() { [ "$(laptop_status '.uplinks[1].zone')" = suspect ]; }
lab_wait 40 zone2 || fail "the second uplink is $(laptop_status '.uplinks[1].zone')"
[ "$(laptop_zone)" = foreign ] || fail "the first uplink is $(laptop_zone)"
case_none second case_tries $CASE_KINDS
case_none home case_tries $CASE_KINDS
n=$(lab_count home "text:${ATTACK_TOKEN[flow]}")
lab_pause 1
case_sync home
[ "$n" = "$(lab_count home "text:${ATTACK_TOKEN[flow]}")" ] || fail "the flow from before goes on"
[ "$(laptop_status '.ports[] | select(.ifname == "host0") | .reason')" = net-other-uplink ] ||
	fail "status does not say why: $(laptop_status .ports)"
ip -n corp link set cable2 down
case_open
case_end "and open again when the second is out"
