#!/usr/bin/env bash
# What leaves by an uplink without a mark and without a socket, as the kernel's own does, is ARP, the questions and
# answers of neighbour discovery, and group reports, each with the hop limit that keeps it on the link; nothing else
# does, and none of these with another. (The kernel is played by a link upon the uplink in a namespace of its own.)
# holds: egress_ leak
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

forge() { lab_in kernel "$LAB_TOOLS/forge" k0 own "$mac" "$@" 1 >/dev/null; }
six() { forge ip6 fe80::51 fe80::1 "$2" "$3" "$try-$1."; }
four() { forge ip4 192.168.7.51 $FW_LAN "$2" 0 - "$3" "$try-$1."; }
nd=00000000000000fd070000000000000000000000000050
right() {
	forge frame 0806 "$try-arp."
	six rs 58 85$nd
	six ns 58 87$nd
	six na 58 88$nd
	six report 58/1 83$nd
	six done 58/1 84$nd
	six report2 58/1 8f$nd
	four igmp 2/1 1600000000000000
}
wrong() {
	six ns-hops 58/64 87$nd
	six ra 58 86$nd
	six redirect 58 89$nd
	six echo 58 80$nd
	six udp 17 1388138800000000
	six report-hops 58 8f$nd
	six query 58/1 82$nd
	six near-echo 58/1 80$nd
	six near-udp 17/1 1388138800000000
	four igmp-hops 2/2 1600000000000000
	four near-echo4 1/1 0800000000070001
	four near-udp4 17/1 1388138800000000
	forge frame 88b5 "$try-frame."
}
RIGHT="arp rs ns na report done report2 igmp"
WRONG="ns-hops ra redirect echo udp report-hops query near-echo near-udp igmp-hops near-echo4 near-udp4 frame"
missing() { local k; for k; do lab_seen lan "text:$try-$k." || echo "$k"; done; }
all() { [ -z "$(missing "$@")" ]; }

fw_links
lab_ns kernel
ip -n bulkhead link add k0 link up0 type macvlan mode private
ip -n bulkhead link set k0 netns kernel
mac=$(ip -n lan -o link show w0 | sed 's/.*ether \([^ ]*\).*/\1/')
lab_record lan lan w0
fw_without
ip -n kernel link set k0 up
try=$(lab_token without)
right && wrong
# shellcheck disable=SC2086 # words
lab_wait 5 all $RIGHT $WRONG || fail "without rules the sniffer does not hear: $(missing $RIGHT $WRONG | xargs)"
fw_reset
fw_with
try=$(lab_token with)
wrong && right
# shellcheck disable=SC2086
lab_wait 5 all $RIGHT || fail "the kernel cannot say: $(missing $RIGHT | xargs)"
for kind in $WRONG; do
	! lab_seen lan "text:$try-$kind." || fail "$kind leaves"
done
counted() { [ "$(fw_counter netdev leak)" -ge "$(wc -w <<<"$WRONG")" ]; }
lab_wait 5 counted || fail "what does not leave is not counted: $(fw_counter netdev leak)"
echo "$(wc -w <<<"$RIGHT") kinds leave, $(wc -w <<<"$WRONG") do not"
