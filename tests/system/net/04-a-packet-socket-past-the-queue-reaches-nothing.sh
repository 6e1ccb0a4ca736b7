#!/usr/bin/env bash
# Raw frames that skip the queueing discipline, and with it most hooks: 0, from the personal OS and
# from root in the namespace.
# case: 4
# title: raw frames with PACKET_QDISC_BYPASS
# expect dom0: 0 frames, also by root in the namespace
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

all=ff:ff:ff:ff:ff:ff
inside() { lab_in bulkhead "$FW_SEND" bypass up0 $all "$1-inside-" 5; }
tries() {
	case_personal "$FW_SEND" bypass bh0 $all "$1-bh0-" 5
	inside "$1"
}

case_without lan inside inside
case_record host0 bulkhead host0
case_with
case_none lan tries bh0 inside
fw_grant host0 open 0
case_none lan tries bh0 inside
case_some host0 tries bh0
case_end "they reach port host0, and end there"
