#!/usr/bin/env bash
# The flows of at most 64 ports are counted. One more than that gets none: the kernel cannot count them, and
# what is not counted has no bound.
# holds: begin crowded
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

# (rules without nft's process, which would not bear that somebody else fills in the grant)
grant() {
	cat <<-END
		add element inet bulkhead pair_mark { "host0" . "up0" : 0x01000001 }
		add element inet bulkhead pair_ok { "host0" . "up0" . 0x01000001 }
		add element inet bulkhead grant { "host0" . "up0" timeout 1h : goto open, "up0" . "host0" timeout 1h : goto back }
		add element netdev bulkhead epoch { 0x42480001 }
		add rule inet bulkhead clock meta mark set 0x42480001 goto dispatch
	END
}
ports() {
	local n
	for ((n = 0; n < 64; n++)); do echo "add element inet bulkhead flows { \"x$n\" }"; done
}

fw_links
lab_in bulkhead "$LAB_OUT/bulkhead-nft" closed up0
ip -n bulkhead link set up0 up
fw_addresses
grant | lab_in bulkhead nft -f -
lab_wait 5 fw_pings $FW_LAN || fail "granted, ping does not pass"
lab_start samples nsenter --net=/run/netns/bulkhead "$LAB_OUT/tests/system/nflog_hear"
lab_wait 5 grep -qs ready "$LAB/samples.log" || fail "nobody hears samples"
lab_in bulkhead nft flush set inet bulkhead flows
ports | lab_in bulkhead nft -f -
! fw_pings $FW_LAN || fail "a port that is not counted gets a flow"
crowded=$(fw_counter inet crowded)
[ "$crowded" -gt 0 ] || fail "it was something else that stopped it"
lab_wait 5 grep -q '^crowded ' "$LAB/samples.log" || fail "no sample of it"
echo "64 ports are counted, the next gets nothing: $crowded refused"
