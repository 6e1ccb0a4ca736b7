#!/usr/bin/env bash
# Raw frames through a packet socket. The personal OS has no link but bh0: there they reach its port
# and no further, granted or not, whatever MAC they are for. In the namespace itself, as root, the
# egress chain stops them.
# case: 3
# title: raw frames through AF_PACKET
# expect dom0: 0 frames, also by root in the namespace
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff
inside() { lab_in bulkhead "$FW_SEND" packet up0 $all "$1-inside-" 5; }
tries() {
	case_personal "$FW_SEND" packet bh0 $all "$1-bh0-" 5
	case_personal "$FW_SEND" packet bh0 "$port" "$1-port-" 5
	inside "$1"
}

case_without lan inside inside
port=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
case_record host0 bulkhead host0
case_with
case_none lan tries bh0 port inside
fw_grant host0 open 0
case_none lan tries bh0 port inside
case_some host0 tries bh0 port
case_end "they reach port host0, and end there"
