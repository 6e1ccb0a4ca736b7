#!/usr/bin/env bash
# While it runs nft looks at the kernel's switches again: one that somebody changed is set right and told
# by name; one that nft may not set takes the uplinks down and ends nft.
# limit: 180 s
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

told() { grep -qF "tamper 4 by '' 0: '$1'" "$LAB/nft.log"; }
right() { [ "$(lab_in bulkhead cat "/proc/sys/net/$1")" = "$2" ]; }
is_down() { [[ $(ip -n bulkhead -br link show up0) != *[\<,]UP[,\>]* ]]; }

fw_links
fw_with
fw_grant host0 open 0
lab_in bulkhead sysctl -qw net.ipv4.conf.all.send_redirects=1 net.ipv6.conf.up0.accept_ra=0 \
	net.ipv4.ip_local_port_range="20000 60999" net.ipv4.fwmark_reflect=1
from=$(lab_ms)
for switch in ipv4/conf/all/send_redirects=0 ipv6/conf/up0/accept_ra=2 ipv4/fwmark_reflect=0 \
	"ipv4/ip_local_port_range=60000	60999"; do
	lab_wait 60 right "${switch%%=*}" "${switch#*=}" || fail "${switch%%=*} is not set right again"
	lab_wait 5 told "${switch%%=*}" || fail "${switch%%=*} is not told: $(<"$LAB/nft.log")"
done
took=$(lab_since "$from")
fw_pings $FW_LAN || fail "what was set right closed the grant"

# Where it may not write: as in a container whose /proc/sys is read-only.
fw_tell end
wait "$FW_CHILD" || true
: >"$LAB/nft.log"
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
fw_with
fw_grant host0 open 0
umount -l /proc/sys # (nft holds it open)
lab_in bulkhead sysctl -qw net.ipv4.conf.all.send_redirects=1
lab_wait 60 is_down || fail "a switch that stays wrong leaves the uplink up"
lab_wait 5 told ipv4/conf/all/send_redirects || fail "it is not told"
lab_wait 5 grep -q "cannot be set" "$LAB/nft.log" || fail "nobody says why all is closed"
echo "four switches right again $took s after they were changed"
