#!/usr/bin/env bash
# A LAN whose router names no prefix for own addresses and gives them by DHCPv6 alone (kea, radvd) becomes
# foreign by that exchange, and personal gets a page there. What is asked names nobody (RFC 7844): a DUID of
# the link alone, no name. Another address is unknown first; a resolver of the company is suspect.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
peers_have usr/sbin/kea-dhcp6 usr/sbin/radvd || lab_skip "out/peers lacks kea or radvd; run 'make peers'"

fail() {
	echo "$1; zone $(laptop_zone), log: $(tail -n 5 "$LAB/bulkheadd.log"); kea: $(tail -n 3 "$LAB/kea6.log")"
	exit 1
}
in_home() { # in_home NAME PROGRAM... - one of out/peers
	local name=$1
	shift
	lab_start "$name" peers_exec home router "$@"
}
serve() { # serve ADDRESS RESOLVER
	lab_stop kea6
	: >"$LAB/kea6.log"
	cat >"$LAB/peers/tmp/kea6.json" <<-JSON
		{ "Dhcp6": { "interfaces-config": { "interfaces": ["br0"] },
		  "lease-database": { "type": "memfile", "persist": false },
		  "preferred-lifetime": 20, "valid-lifetime": 30, "renew-timer": 5, "rebind-timer": 8,
		  "subnet6": [ { "subnet": "fd07::/64", "interface": "br0",
		    "pools": [ { "pool": "$1/128" } ],
		    "option-data": [ { "name": "dns-servers", "data": "$2" } ] } ] } }
	JSON
	KEA_PIDFILE_DIR=/tmp KEA_LOCKFILE_DIR=none in_home kea6 /usr/sbin/kea-dhcp6 -c /tmp/kea6.json
	lab_wait 20 grep -qs DHCP6_STARTED "$LAB/kea6.log" || fail "kea does not start"
}
address_is() { ip -n bulkhead -6 addr show dev en0 | grep -q "inet6 $1/128"; }

lans_up && tpm_on && laptop_install && pki_make && pki_install && peers_up || fail "the lab does not come up"
lab_stop dnsmasq-home
ip -n home addr del 192.168.7.1/24 dev br0
mkdir -p "$LAB/peers/run/kea" "$LAB/peers/var/lib/kea"
cat >"$LAB/peers/tmp/radvd.conf" <<'CONF'
interface br0 {
	AdvSendAdvert on;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	AdvManagedFlag on;
	prefix fd07::/64 { AdvAutonomous off; };
};
CONF
in_home radvd /usr/sbin/radvd -n -d 1 -m stderr -C /tmp/radvd.conf -p /run/radvd.pid
serve fd07::100 fd07::1
laptop_start || fail "bulkheadd does not start"
lans_plug home
from=$(lab_ms)
lab_wait 60 laptop_zone_is foreign || fail "a network of DHCPv6 alone does not become foreign"
took=$(lab_since "$from")
lab_wait 10 address_is fd07::100 || fail "another address than the one given" # it is tentative for a second
lab_wait 15 personal_gets "http://[$LAN_SERVER6]/" || fail "personal gets no page"

# option 1, client identifier: length 10, DUID-LL (3), Ethernet (1), the link's own MAC; no FQDN (39)
asked=$(python3 - "$LAB/home.pcap" <<'PY'
import struct, sys
data, at, asked = open(sys.argv[1], "rb").read(), 24, []
while at + 16 <= len(data):
    n = struct.unpack_from("<I", data, at + 8)[0]
    frame, at = data[at + 16:at + 16 + n], at + 16 + n
    if frame[12:14] == b"\x86\xdd" and frame[20] == 17 and frame[56:58] == b"\x02\x23":
        options, i = {}, 62 + 4
        while i + 4 <= len(frame):
            code, size = struct.unpack_from(">HH", frame, i)
            options[code], i = frame[i + 4:i + 4 + size], i + 4 + size
        asked.append(options)
good = bytes.fromhex("00030001") + bytes.fromhex("02000000e001")
bad = [o for o in asked if o[1] != good or set(o) & {15, 16, 17, 39}]
print("none" if not asked else "names somebody" if bad else "good", len(asked))
PY
)
[[ $asked = good* ]] || fail "what was asked by DHCPv6: $asked"

seq=$(laptop_seq)
serve fd07::200 fd07::1
changed() { [[ $(laptop_zones "$seq") == unknown* ]]; }
lab_wait 60 changed || fail "another address is no event: $(laptop_zones "$seq")"
lab_wait 60 laptop_zone_is foreign || fail "not foreign again"
serve fd07::200 fd77::53
lab_wait 60 laptop_zone_is suspect || fail "a resolver of the company is no sign"
! personal_gets "http://[$LAN_SERVER6]/" || fail "personal is open"
echo "foreign after $took s by DHCPv6; ${asked#good } questions name nobody; another address is unknown first, the company's resolver suspect"
