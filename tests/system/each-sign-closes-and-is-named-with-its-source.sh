#!/usr/bin/env bash
# The whole daemon on a LAN that looks like home but for one thing: CDP of a switch, the company's prefix
# in an advertisement, a wired log-in, a tagged frame. Each closes at once what was open, and status and
# the audit log name the sign and where it came from.
# limit: 240 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"
command -v dnsmasq dhcpcd jq busybox >/dev/null || lab_skip "dnsmasq-base, dhcpcd-base, jq or busybox is not installed"
peers_have usr/sbin/radvd usr/sbin/lldpd || lab_skip "out/peers lacks the daemons; run 'make peers'"

fail() {
	echo "$1; $(laptop_status '.uplinks[0]' | tr -d '\n'), log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
slowest=0
n=0
sign_is() { # sign_is SIGN SOURCE - as status has it
	[ "$(laptop_status '.uplinks[0] | .zone + " " + .sign + " " + .source')" = "suspect $1 $2" ]
}
audited() { # audited SIGN SOURCE - since that record
	[ "$(laptop_audit "[.[] | select(.kind == \"zone\" and .seq > $seq and .to == \"suspect\") |
		(.proof, .detail) | strings | select(contains(\"$1\") and contains(\"$2\"))] | length")" -gt 0 ]
}
# comes SIGN SOURCE COMMAND... - the sign appears while the LAN is open to personal
comes() {
	local sign=$1 source=$2 from took
	shift 2
	lans_plug home
	lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign before '$sign'"
	lab_wait 10 personal_gets "http://$LAN_SERVER/" || fail "personal gets no page at home"
	seq=$(laptop_seq)
	from=$(lab_ms)
	"$@"
	lab_wait 20 sign_is "$sign" "$source" || fail "no '$sign' from '$source'"
	took=$(($(lab_ms) - from))
	[ $took -le $slowest ] || slowest=$took
	personal_gets "http://$LAN_SERVER/" && fail "personal is open after '$sign'"
	lab_wait 5 audited "$sign" "$source" || fail "the audit log does not name '$sign' from '$source'"
	n=$((n + 1))
	echo "ok - $sign '$source' after $took ms"
}
cdp() { lab_start lldpd peers_exec home sw1 /usr/sbin/lldpd -d -ccc -I cable; }
radvd() { lab_start radvd peers_exec home router /usr/sbin/radvd -n -d 1 -m stderr -C /tmp/radvd.conf -p /run/radvd.pid; }
# hostapd speaks only when spoken to, which nothing on this uplink may do: its words, without it
login() {
	lab_in home "$LAB_OUT/tests/system/play_network" send cable \
		"0180c200000302000000000b888e0200001101010011""01636f72702e6578616d706c65"
}
tag() { lab_in home "$LAB_OUT/tests/system/play_network" send cable ffffffffffff02000000000a8100002a88b50000; }

lans_up && tpm_on && laptop_install && pki_make && pki_install && peers_up || fail "the lab does not come up"
laptop_start || fail "bulkheadd does not start"
echo "127.0.0.1 sw1.corp.example sw1" >"$LAB/peers/etc/hosts"
cat >"$LAB/peers/tmp/radvd.conf" <<'CONF'
interface br0 {
	AdvSendAdvert on;
	AdvDefaultLifetime 0;
	MinRtrAdvInterval 3;
	MaxRtrAdvInterval 4;
	prefix fd77::/64 { };
};
CONF

comes VLAN "tag 42" tag
comes CDP "sw1.corp.example port cable" cdp
lab_stop lldpd
comes RA "prefix fd77::/64" radvd
lab_stop radvd
comes EAPOL "request corp.example" login
echo "$n signs closed an open network, each named with its source, the slowest $slowest ms after it was switched on"
