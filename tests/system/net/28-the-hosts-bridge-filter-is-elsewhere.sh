#!/usr/bin/env bash
# The host drops everything it forwards, bridged frames too, as Docker and firewalld do. The work VM's
# path is in another namespace: it passes. There the switches that would hand bridged frames to such
# chains are 0, and nft does not start otherwise.
# case: 28
# title: br_netfilter on: the work VM dies by the host's chain
# expect dom0: the work VM passes; the switches are checked
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

work() { lab_in work "$FW_SEND" udp $FW_LAN 9 "$1-work-" 3; }
chain='table inet docker { chain f { type filter hook forward priority 0; policy drop; }; chain p { type filter hook prerouting priority 0; policy drop; }; }'

case_without lan work work
# The same chain in the path does what is feared.
lab_in bulkhead nft "$chain"
CASE_SENT=$((CASE_SENT - 1))
case_none lan work work
lab_in bulkhead nft delete table inet docker
case_with
nft "$chain"
fw_tell none "pair vif1.0 up0 open 1 5000" hold
case_some lan work work
fw_work_pings $FW_LAN || fail "the work VM gets no answer"

switch=/proc/sys/net/bridge/bridge-nf-call-iptables
if lab_in bulkhead test -e $switch; then
	for table in iptables ip6tables arptables; do
		[ "$(lab_in bulkhead cat ${switch%iptables}$table)" = 0 ] || fail "bridge-nf-call-$table is on"
	done
	fw_tell end
	wait "$FW_CHILD" || true
	lab_in bulkhead sysctl -qw net.bridge.bridge-nf-call-iptables=1
	fw_start
	[ "$FW_ANSWER" = "exited 1" ] && lab_wait 5 grep -q bridge-nf-call-iptables "$LAB/nft.log" ||
		fail "nft starts with bridge-nf-call-iptables: $FW_ANSWER"
	said="nft refuses to start with the switch on"
fi
case_end "the work VM passes; ${said-this kernel has no such switch}"
