#!/usr/bin/env bash
# On the desk of who writes a policy: lint warns and names what is wrong where, diff says what becomes
# looser, simulate and explain answer as the laptop would decide, cell by cell as "policy show" has it.
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
for part in lab tpm roles laptop pki disk; do
	. "$here/lab/$part.sh"
done
lab_enter "$@"
fail() {
	echo "$1"
	exit 1
}
has() { grep -qE -- "$1" <<<"$said" || fail "expected '$1', got: $said"; }
exits() { # exits STATUS COMMAND... - what it says is in $said
	local want=$1 status=0
	shift
	said=$("$@" 2>&1) || status=$?
	[ $status = "$want" ] || fail "$*: exit $status, not $want: $said"
}

laptop_install && pki_make || fail "the lab does not come up"
old=$IT/policy.yaml new=$LAB/new.yaml
exits 0 bulkhead policy lint "$old"
has '^warning: no VPN endpoints'
has "serial 7, [0-9]+ warnings"
sed 's/^  foreign: allow$/  foreign: ask/; s/  pin_min: 6/  pin_min: 4/; s/, "fd77::\/64"//' "$old" >"$new"
exits 0 bulkhead policy diff "$old" "$new"
has '^tighter +foreign, personal +open-less-corporate -> closed$'
has '^LOOSER +images.pin_min +6 -> 4$'
has '^LOOSER +network.corporate.prefixes +1 gone, 0 new$'
exits 0 bulkhead policy diff "$old" "$old"
has '^they say the same$'
exits 0 bulkhead policy simulate "$old" --zone foreign --class personal --other proven
has '^foreign +personal +closed '
exits 0 bulkhead policy simulate "$new" --zone foreign --class personal --agreed
has '^foreign +personal +open-less-corporate +this uplink$'
exits 2 bulkhead policy simulate "$old" --zone nowhere --class personal
exits 2 bulkhead policy lint "$IT/trust.yaml"
sed 's/^serial: .*/serial: 010/' "$old" >"$LAB/octal.yaml"
exits 4 bulkhead policy lint "$LAB/octal.yaml"
has ':3:9:|line 3'

n=0
shown=$(bulkhead policy show --json "$old" --trust "$IT/trust.yaml") || fail "policy show"
while read -r zone class verdict rest; do
	[ "$(jq -r ".zones.$zone.$class.verdict" <<<"$shown")" = "$verdict" ] || fail "explain: $zone $class is $verdict"
	[ -n "$rest" ] || fail "explain: $zone $class: no reason"
	n=$((n + 1))
done < <(bulkhead policy explain "$old")
[ $n = 12 ] || fail "explain has $n lines"
echo "lint, diff, simulate; $n cells explained as they are shown"
