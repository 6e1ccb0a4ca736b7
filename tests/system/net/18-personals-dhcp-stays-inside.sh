#!/usr/bin/env bash
# A DHCP client of the personal OS works on a packet socket, past every output chain, and says the
# machine's name: its requests reach bh0's port and end there. Netguard's own dhcpcd asks the LAN with a
# name of nobody.
# case: 18
# title: DHCP client's raw socket, host name option
# expect dom0: 0 frames of personal's; netguard's own without a host name
# expect guard: the same
# expect split: the same
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

names="name class"
client() { # client LINK TOKEN - udhcpc, as a personal OS runs it
	case_personal timeout 4 busybox udhcpc -n -q -f -t 2 -T 1 -A 0 -i "$1" -s /bin/true \
		-x "hostname:$2-name-" -V "$2-class-" >>"$LAB/udhcpc.log" 2>&1 || true
}
inside() { nsenter --net=/run/netns/bulkhead busybox udhcpc -n -q -f -t 2 -T 1 -A 0 -i up0 -s /bin/true \
	-x "hostname:$1-name-" -V "$1-class-" >>"$LAB/udhcpc.log" 2>&1 || true; }
tries() { client bh0 "$1"; }

# shellcheck disable=SC2086 # words
case_without lan inside $names
case_record host0 bulkhead host0
case_with
# shellcheck disable=SC2086
case_none lan tries $names
fw_grant host0 open 0
# shellcheck disable=SC2086
case_none lan tries $names
# shellcheck disable=SC2086
case_some host0 tries $names
case_record lan lan w0
lab_start dhcpcd nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/dhcp_run" up0
asks() { [ "$("$LAB_TOOLS/wire" kinds "$LAB/lan.pcap" "$(ip -n bulkhead -o link show up0 | sed 's/.*ether \([^ ]*\).*/\1/')" | grep -c udp-68-67)" = 1 ]; }
lab_wait 20 asks || fail "dhcpcd does not ask: $(tail -n 3 "$LAB/dhcpcd.log")"
[ "$(lab_count lan "text:$(hostname)")" = 0 ] || fail "this machine's name is on the wire"
case_end "netguard's own requests name nobody"
