#!/usr/bin/env bash
# `bulkhead net suspend` returns when no grant is in the kernel and the uplink is down, and the unit that
# calls it does without a daemon that hangs; after `resume` personal's network is unknown first, and then
# open again. A change of the rules is in the audit log, and repaired. `net release` needs --yes and a
# record, ends the daemon with the status that keeps it away, and gives the NIC back, down. None of it is
# for others than root.
# limit: 300 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"

fail() {
	echo "$1; log: $(tail -n 8 "$LAB/bulkheadd.log"); audit: $(tail -n 3 $LAPTOP_STATE/audit/00000001.jsonl)"
	exit 1
}
is_up() { [[ $(ip -n bulkhead -br link show en0) == *[\<,]UP[,\>]* ]]; }
tampered() { [ "$(laptop_audit "[.[] | select(.kind == \"tamper\" and .seq > $1 and .subject == \"rules\")] | length")" -gt 0 ]; }
chains() { lab_in bulkhead nft list ruleset 2>/dev/null | grep -c 'hook egress .*policy drop'; }
repaired() { [ "$(chains)" = 1 ] && ! lab_in bulkhead nft list table inet other >/dev/null 2>&1 && is_up; }

lans_up || fail "the lab's LANs do not come up"
tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
disk_enrol || fail "the laptop is not enrolled: $(cat "$LAB/disk.log")"
laptop_start || fail "bulkheadd does not start"
lans_plug home
lab_wait 40 laptop_zone_is foreign || fail "the home LAN does not become foreign"
lab_wait 10 personal_gets "http://$LAN_GATEWAY_home/" || fail "personal gets no page"

# -- tampered with: closed, recorded with a name, repaired
seq=$(laptop_seq) from=$(lab_ms)
lab_in bulkhead nft 'table inet other { chain f { type filter hook forward priority -400; accept; }; }'
lab_wait 10 tampered "$seq" || fail "a foreign table is not in the audit log"
laptop_audit "[.[] | select(.kind == \"tamper\" and .seq > $seq)][0].detail" | grep -q "by process 'nft'" ||
	fail "the record does not say who: $(laptop_audit "[.[] | select(.kind == \"tamper\")][0].detail")"
laptop_status '.alarm' | grep -q "by process 'nft'" && bulkhead status | grep -q "^alarm  .*by process 'nft'" ||
	fail "the person is not told: $(bulkhead status)"
lab_wait 20 repaired || fail "a foreign table is not repaired"
took=$(lab_since "$from")
lab_wait 60 laptop_zone_is foreign || fail "after the repair the home LAN does not become foreign"
lab_wait 10 personal_gets "http://$LAN_GATEWAY_home/" || fail "after the repair personal gets no page"

# -- suspend and resume
nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups bulkhead "$@"; }
nobody net suspend 2>/dev/null && fail "nobody may suspend the network"
nobody net release --yes 2>/dev/null && fail "nobody may release the uplinks"
[ "$(laptop_grants)" -gt 0 ] || fail "no grant is in the kernel"
unit="$LAB_TOP/roles/bulkhead-sleep.service"
caps=$(sed -n 's/^CapabilityBoundingSet=//p' "$unit" | tr 'A-Z ' 'a-z,' | sed 's/cap_/+/g')
hook() { # hook ExecStart|ExecStop - what the unit says, and with what it may
	setpriv --bounding-set="-all,$caps" --no-new-privs \
		bash -ec "$(sed -n "s|@PREFIX@|/usr|g; s/^$1=-\(.*\)/\1 || true/p; s/^$1=//p" "$unit")" 2>"$LAB/hook.log"
}
hook ExecStart || fail "suspend fails"
[ "$(laptop_grants)" = 0 ] || fail "suspended, $(laptop_grants) grants are in the kernel"
is_up && fail "suspended, the uplink is up"
seq=$(laptop_seq)
hook ExecStop
is_up || fail "resumed, the uplink is down"
laptop_zone_is foreign && fail "resumed, the zone is the one from before"
lab_wait 60 laptop_zone_is foreign || fail "resumed, the home LAN does not become foreign again"
lab_wait 10 personal_gets "http://$LAN_GATEWAY_home/" || fail "resumed, personal gets no page"

# -- a daemon that hangs is done without
hung=("$(laptop_pid)" "$(laptop_role_pid decide)")
kill -STOP "${hung[@]}"
hook ExecStart || fail "suspend fails: $(<"$LAB/hook.log")"
is_up && fail "suspended while the daemon hangs, the uplink is up"
kill -CONT "${hung[@]}"
hook ExecStop
lab_wait 60 laptop_zone_is foreign || fail "resumed after a hang, the home LAN does not become foreign again"

# -- the way out
pid=$(laptop_pid)
said=$(bulkhead net release 2>&1) && fail "released without --yes"
grep -q "gives every uplink back" <<<"$said" || fail "it does not say what it would do: $said"
[ -e "/proc/$pid" ] && is_up || fail "asked without --yes it did something"
kill -STOP "$(laptop_role_pid audit)"
bulkhead net release --yes 2>/dev/null && fail "released without a record"
ip netns exec bulkhead ip link show en0 >/dev/null || fail "without a record the uplink is given back"
kill -CONT "$(laptop_role_pid audit)"
lab_wait 60 laptop_zone_is foreign || fail "after the refusal the home LAN does not become foreign"
bulkhead net release --yes >"$LAB/release.log" 2>&1 || fail "release fails: $(<"$LAB/release.log")"
lab_wait 5 lab_gone "$pid" || fail "the daemon goes on"
grep -q "released by root" "$LAB/bulkheadd.log" || fail "the daemon does not say why it ends"
ip link show en0 >/dev/null 2>&1 || fail "the uplink is not given back"
[[ $(ip -br link show en0) != *[\<,]UP[,\>]* ]] || fail "the uplink came back up"
[ ! -e /run/netns/bulkhead ] || fail "the namespace is still there"
kinds=$(laptop_audit '[.[-6:][] | .kind + "/" + .phase + "/" + .to] | join(" ")')
[[ $kinds == *"stop/intent/released"*"stop/event/"* ]] || fail "the last records are '$kinds'"
echo "tampered: recorded, and repaired in $took s; suspended and resumed; released with a record"
