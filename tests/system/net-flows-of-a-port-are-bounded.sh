#!/usr/bin/env bash
# A port with a grant may not fill the flow table: at its bound it gets no new flow, while another port
# still does, and a port that lost its grant leaves none behind.
# holds: begin
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

modprobe -q nf_conntrack 2>/dev/null || true
bound=$(($(</proc/sys/net/netfilter/nf_conntrack_max) / 4))
[ "$bound" -le 4096 ] || bound=4096

flows() { lab_in bulkhead cat /proc/sys/net/netfilter/nf_conntrack_count; }

fw_links
fw_with
fw_tell none "pair host0 up0 open 0 9000" "pair vif1.0 up0 open 1 9000" hold
"$FW_FORGE" flows $FW_LAN 9 $((bound + bound / 8)) >/dev/null
crowded=$(fw_counter inet crowded)
[ "$crowded" -gt 0 ] || fail "no flow was refused at $bound"
[ "$(flows)" -le $((bound + 50)) ] || fail "$(flows) flows, the bound is $bound"
! fw_pings $FW_LAN || fail "a flow above the bound passes"
fw_work_pings $FW_LAN || fail "the other port gets no flow"
fw_tell none "pair vif1.0 up0 open 1 9000" tighten
left=$(flows)
[ "$left" -lt 50 ] || fail "$left flows are left after the grant ended"
fw_work_pings $FW_LAN || fail "the other port lost its grant too"
echo "bound $bound, refused $crowded, $left left after the grant ended"
