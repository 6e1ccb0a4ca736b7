#!/usr/bin/env bash
# The namespace and the host's port come up also where the host lets nobody set an address on it (here:
# without IPv6; a network manager that is faster does the same), and a repeated `up` gives a host without a
# manager its addresses back, but leaves a lease as it is.
set -euo pipefail
. "$(dirname "$0")/../lab/lab.sh"
. "$LAB_TOP/tests/lab/firewall.sh"
lab_enter "$@"

up() { "$LAB_TOP/roles/bulkhead-netns" up 2>"$LAB/up.log" || fail "$1: up fails: $(<"$LAB/up.log")"; }
four() { ip -4 -o addr show dev bh0; }

sysctl -qw net.ipv6.conf.default.disable_ipv6=1
up "without IPv6"
grep -q "'bh0' is somebody else's" "$LAB/up.log" || fail "it does not say so: $(<"$LAB/up.log")"
[[ $(four) == *"inet 100.64.0.2/30 "* ]] || fail "no address: $(four)"
lab_wait 5 fw_pings 100.64.0.1 || fail "the port does not answer"

ip addr change 100.64.0.2/30 dev bh0 valid_lft 600 preferred_lft 600
up "beside a lease"
[[ $(four) == *" dynamic "* ]] || fail "a lease became static: $(four)"

sysctl -qw net.ipv6.conf.bh0.disable_ipv6=0
ip addr flush dev bh0
up "after a flush"
[ ! -s "$LAB/up.log" ] || fail "it complains: $(<"$LAB/up.log")"
[ "$(ip -o route show default dev bh0; ip -6 -o route show default dev bh0)" = \
	"default via 100.64.0.1 metric 4096 
default via fd62:756c:6b00::1 metric 4096 onlink pref medium" ] || fail "routes: $(ip route; ip -6 route)"
echo "3 times up: without IPv6, beside a lease, after a flush"
