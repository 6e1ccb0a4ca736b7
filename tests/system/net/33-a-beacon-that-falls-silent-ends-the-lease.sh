#!/usr/bin/env bash
# Proven, the work VM streams; then the beacon's packets vanish, announcements and replies. The proof
# ends by itself within its minute, the work VM's path with it, and what is left is suspect: personal
# never opens.
# case: 33
# title: the beacon is suppressed after the grant
# expect dom0: the proof ends within 60 s; then suspect
# expect guard: the same
# expect split: the same
# kernels: any
# limit: 240 s
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin laptop "$@"

case_plain corp
case_without corp case_tries $CASE_KINDS
case_clean
case_laptop
laptop_guest || fail "no work VM"
beacon_start || fail "no beacon"
lans_plug corp
case_zone proven
stream=$(lab_token work)
lab_start stream nsenter --net=/run/netns/work "$LAB_TOOLS/send" udp $LAN_GATEWAY_corp 9 "$stream" 100000
lab_wait 10 lab_seen corp "text:$stream" || fail "proven, and work is not heard"
case_none corp case_tries $CASE_KINDS
lab_in corp nft 'table netdev deaf { chain i { type filter hook ingress device "cable" priority 0; udp dport 6262 drop; }; chain o { type filter hook egress device "cable" priority 0; udp sport 6262 drop; }; }'
from=$(lab_ms)
lab_wait 75 laptop_zone_is suspect || fail "still $(laptop_zone) after $(lab_since "$from") s"
took=$(lab_since "$from")
case_none corp case_tries $CASE_KINDS
n=$(lab_count corp "text:$stream")
lab_pause 1
[ "$n" = "$(lab_count corp "text:$stream")" ] || fail "work's stream goes on"
[ "$(laptop_zone)" = suspect ] || fail "it became $(laptop_zone)"
case_end "suspect $took s after the beacon fell silent"
