#!/usr/bin/env bash
# A policy that is not signed by the policy's key, is older, another under the same number, past its
# end, from the future, or no file, is refused by name and the last good one stays, also over a
# restart. What lies on the disk is checked again at each start: an older pair, an edited one, one
# under a trust.yaml that its root did not sign, or no readable number, and everything is closed.
# limit: 120 s
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
. "$here/lab/whole.sh"
lab_enter "$@"

policy=$LAPTOP_STATE/policy/current.yaml
serial=$LAPTOP_STATE/policy/serial

fail() {
	echo "$1; log: $(tail -n 5 "$LAB/bulkheadd.log")"
	exit 1
}
in_force() { [ "$(laptop_status .policy_serial)" = "$1" ]; }
restart() {
	laptop_stop
	laptop_start || fail "bulkheadd does not start"
}

# refused WHAT WORDS [COMMAND...] - the installation of new.yaml is, and number 8 stays
refused() {
	local what=$1 words=$2 status=0
	shift 2
	"$@" bulkhead policy install "$IT/new.yaml" >"$LAB/install.log" 2>&1 || status=$?
	[ $status != 0 ] && grep -q -- "$words" "$LAB/install.log" ||
		fail "$what: status $status: $(cat "$LAB/install.log")"
	in_force 8 || fail "$what: number $(laptop_status .policy_serial) is in force"
	cmp -s "$policy" "$IT/eight.yaml" || fail "$what: it was stored"
	echo "$what: $(tail -n 1 "$LAB/install.log")"
}

# new NUMBER ENDS [KEY] - a policy of IT's
new() {
	pki_policy "$1" "$(pki_date "$2")" >"$IT/new.yaml"
	pki_sign "${3-policy}" "$IT/new.yaml"
}

lans_up && tpm_on && laptop_install && pki_make && pki_install || fail "the lab does not come up"
laptop_start || fail "bulkheadd does not start"
new 8 +20days
cp "$IT/new.yaml" "$IT/eight.yaml" && cp "$IT/new.yaml.minisig" "$IT/eight.yaml.minisig"
bulkhead policy install "$IT/eight.yaml" >/dev/null || fail "a good one is refused"
lab_wait 5 cmp -s "$policy" "$IT/eight.yaml" || fail "it is not stored"
lab_wait 5 grep -qx 8 $serial || fail "its number is not stored"
bulkhead policy install "$IT/eight.yaml" >/dev/null || fail "the very same one is refused"

new 9 +20days
refused "by a user" "only root" setpriv --reuid=65534 --regid=65534 --clear-groups
sed -i 's/pin_min: 6/pin_min: 4/' "$IT/new.yaml"
refused "edited" "signature"
new 9 +20days stranger
refused "signed by a stranger" "may not sign"
new 9 +20days lease
refused "signed by the lease's key" "may not sign"
new 7 +20days
refused "older" "serial"
new 8 +21days
refused "another under the same number" "serial"
new 9 -1minute
refused "past its end" "expired"
pki_policy 9 "$(pki_date +20days)" | sed "s/^issued: .*/issued: $(pki_date +3days)/" >"$IT/new.yaml"
pki_sign policy "$IT/new.yaml"
refused "from the future" "future"
pki_policy 9 "$(pki_date +20days)" | sed 's/^kind: .*/kind: lease/' >"$IT/new.yaml"
minisign -S -s "$IT/keys/policy.key" -m "$IT/new.yaml" >/dev/null
refused "another kind of document" "lease"
restart
in_force 8 || fail "it is not in force after a restart"

closed() { # closed WHAT - after a start, nothing is in force
	restart
	in_force 0 || fail "$1: number $(laptop_status .policy_serial) is in force"
	echo "$1: $(grep -o 'policy: .*closed' "$LAB/bulkheadd.log" | tail -n 1)"
	cp "$IT/eight.yaml" "$policy" && cp "$IT/eight.yaml.minisig" "$policy.minisig"
	printf '8\n' >$serial
	install -m 644 "$IT/trust.yaml" "$IT/trust.yaml.minisig" /etc/bulkhead/
}
cp "$IT/policy.yaml" "$policy" && cp "$IT/policy.yaml.minisig" "$policy.minisig"
closed "an older pair on the disk"
sed -i 's/pin_min: 6/pin_min: 4/' "$policy"
closed "an edited one on the disk"
rm "$policy.minisig"
closed "one without signature on the disk"
mv "$policy" "$policy.real" && ln -s current.yaml.real "$policy"
closed "one by way of a link"
rm -f "$policy" "$policy.real" && cp "$IT/eight.yaml" "$policy"
echo unreadable >$serial
closed "a number that cannot be read"
echo "# mine" >>/etc/bulkhead/trust.yaml
closed "a trust.yaml that was edited"
minisign -S -s "$IT/keys/stranger.key" -m /etc/bulkhead/trust.yaml >/dev/null
closed "a trust.yaml signed by a stranger"
restart
in_force 8 || fail "all put back, and not in force"
