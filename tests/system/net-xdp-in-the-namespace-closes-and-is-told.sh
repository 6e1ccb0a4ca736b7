#!/usr/bin/env bash
# An AF_XDP socket in the namespace, and an XDP program on an uplink, pass by every rule. Root alone can
# make them there; nothing prevents it in placement dom0, so each takes the uplinks down while it lasts, and
# is in the log. When it is gone, the network is judged anew and opens.
# limit: 120 s
# kernels: 6.1 6.18
set -euo pipefail
. "$(dirname "$0")/../lab/case.sh"
case_begin laptop "$@"

is_gone() { [ ! -e "/proc/$1" ]; }
is_down() { [[ $(ip -n bulkhead -br link show en0) != *[\<,]UP[,\>]* ]]; }
told() { # told WHAT
	case_audited ".kind == \"tamper\" and .subject == \"XDP\" and (.detail | startswith(\"$1\"))"
}
told_times() { laptop_audit '[.[] | select(.kind == "tamper")] | length'; }
again() { [ "$(told_times)" -gt "$n" ]; }
holds() { grep -q held "$LAB/hold.log"; }
closes() { # closes WHAT ARGUMENTS... - of xdp_hold; in seconds, how long it took
	local what=$1 nft from n
	shift
	nft=$(laptop_role_pid nft)
	from=$(lab_ms)
	rm -f "$LAB/hold.log"
	lab_start hold ip netns exec bulkhead "$LAB_OUT/tests/system/xdp_hold" "$@"
	lab_wait 5 holds || fail "$what: $(<"$LAB/hold.log")"
	lab_wait 30 told "$what" || fail "$what: no audit record"
	took+=" $(lab_since "$from")"
	is_down || fail "$what: the uplink is up"
	lab_wait 10 is_gone "$nft" || fail "$what: nft serves on"
	n=$(told_times)
	lab_wait 20 again || fail "$what: who comes after nft does not look"
	is_down || fail "$what: the uplink is up again while it lasts"
	lab_stop hold
	lab_wait 60 laptop_zone_is foreign || fail "$what: the network does not open again"
}

took=
case_laptop
lans_plug home
case_zone foreign
closes "a socket" socket
closes "a program on 'en0'" program en0
laptop_status .alarm | grep -q "passes by all rules" || fail "status shows no alarm"
echo "told after$took s: a socket, a program"
