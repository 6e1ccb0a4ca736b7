#!/usr/bin/env bash
# mDNS, LLMNR, NetBIOS, SSDP and WS-Discovery, which tell a LAN who is there: closed or granted, no
# multicast and no broadcast of the personal OS is on the wire.
# case: 20
# title: mDNS, LLMNR, NBNS, SSDP, WSD
# expect dom0: 0 frames
# expect guard: 0 frames
# expect split: 0 frames
# kernels: any
set -euo pipefail
. "$(dirname "$0")/../../lab/case.sh"
case_begin fw "$@"

from=bh0
tries() { # with the source port that each really has, and by way of the router's own MAC too
	local mac
	say() { # say KIND MAC PROTOCOL-AND-ADDRESSES PORT
		local kind=$1 group=$2 family=$3 source=$4 to=$5 port=$6 hex
		hex=$(printf '%04x%04x00000000' "$port" "$port")
		for mac in "$group" "$router"; do
			if [ "$family" = 4 ]; then
				$run "$CASE_FORGE" $from own "$mac" ip4 "$source" "$to" 17 0 - "$hex" "$token-$kind-" 2
			else
				$run "$CASE_FORGE" $from own "$mac" ip6 "$source" "$to" 17 "$hex" "$token-$kind-" 2
			fi
		done
	}
	local token=$1
	say mdns4 01:00:5e:00:00:fb 4 "$own4" 224.0.0.251 5353
	say mdns6 33:33:00:00:00:fb 6 "$own6" ff02::fb 5353
	say llmnr4 01:00:5e:00:00:fc 4 "$own4" 224.0.0.252 5355
	say llmnr6 33:33:00:01:00:03 6 "$own6" ff02::1:3 5355
	say nbns ff:ff:ff:ff:ff:ff 4 "$own4" 192.168.7.255 137
	say nbdgm ff:ff:ff:ff:ff:ff 4 "$own4" 255.255.255.255 138
	say ssdp4 01:00:5e:7f:ff:fa 4 "$own4" 239.255.255.250 1900
	say ssdp6 33:33:00:00:00:0c 6 "$own6" ff05::c 1900
	say wsd 01:00:5e:7f:ff:fa 4 "$own4" 239.255.255.250 3702
}
kinds="mdns4 mdns6 llmnr4 llmnr6 nbns nbdgm ssdp4 ssdp6 wsd"

# Without Bulkhead these leave the NIC itself.
run="lab_in bulkhead" from=up0 router=ff:ff:ff:ff:ff:ff own4=192.168.7.50 own6=fd07::50
# shellcheck disable=SC2086 # words
case_without lan tries $kinds
case_with
run=case_personal from=bh0 own4=100.64.0.2 own6=fd62:756c:6b00::2
router=$(ip -n bulkhead -o link show host0 | sed 's/.*ether \([^ ]*\).*/\1/')
# shellcheck disable=SC2086
case_none lan tries $kinds
fw_grant host0 open 0
lab_in bulkhead ip route get $FW_LAN >/dev/null
# shellcheck disable=SC2086
case_none lan tries mdns4 mdns6 llmnr4 llmnr6 nbdgm ssdp4 ssdp6 wsd nbns
case_end
