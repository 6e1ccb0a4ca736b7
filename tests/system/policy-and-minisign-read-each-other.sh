#!/usr/bin/env bash
# What `bulkhead policy sign` signs, minisign accepts, and the other way round; what was edited, signed
# by another key or in the old form, is expired or malformed is refused, each by name.
set -euo pipefail
out=$(realpath "${OUT:-out}")
command -v minisign > /dev/null || { echo "minisign is not installed"; exit 77; }
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
fail() { echo "$*"; exit 1; }

run() { # ARGS... - exit status and text in $status and $text
	status=0
	text=$("$out/bulkhead" policy "$@" 2>&1) || status=$?
}

expect() { # WHAT STATUS PART
	[ "$status" = "$2" ] || fail "$1: exit $status, wanted $2: $text"
	[[ $text == *"$3"* ]] || fail "$1: '$3' is not in: $text"
	echo "$1: ${text%%$'\n'*}"
}

for key in root1 root2 root3 policy lease other; do
	minisign -G -W -f -p $key.pub -s $key.sec > /dev/null
done
pub() { tail -n 1 "$1.pub"; }
cat > trust.yaml << EOF
kind: trust
version: 1
serial: 1
threshold: 2
root: ["$(pub root1)", "$(pub root2)", "$(pub root3)"]
policy: ["$(pub policy)"]
lease: ["$(pub lease)"]
beacon_root: "$(head -c 32 /dev/urandom | base64)"
EOF
write_policy() { # SERIAL ISSUED EXPIRES
	cat > policy.yaml << EOF
kind: policy
version: 1
serial: $1
issued: $2
expires: $3
network:
  foreign: allow
  corporate:
    prefixes: [10.0.0.0/8]
    dns_suffixes: [corp.example]
EOF
}
stamp() { date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ; }
write_policy 7 "$(stamp '1 hour ago')" "$(stamp '30 days')"

# k of n
run sign trust.yaml --key root1.sec; expect "one root signs" 0 trust.yaml.minisig
run verify policy.yaml --trust trust.yaml; expect "one root of two is not enough" 3 "may not sign"
run sign trust.yaml --key root1.sec --add; expect "the same root again" 0 trust.yaml.minisig
run verify policy.yaml --trust trust.yaml; expect "one root twice is not two" 3 "may not sign"
minisign -S -s root3.sec -m trust.yaml -x third > /dev/null
run sign trust.yaml --key root1.sec; cat third >> trust.yaml.minisig

# both ways
run verify policy.yaml --trust trust.yaml; expect "unsigned" 3 "there is no signature"
run sign policy.yaml --key policy.sec --comment "serial 7"; expect "ours" 0 policy.yaml.minisig
minisign -V -p policy.pub -m policy.yaml | grep -q 'Trusted comment: serial 7' || fail "minisign does not take our signature"
run verify policy.yaml --trust trust.yaml; expect "ours by us" 0 "policy serial 7, good signature"
minisign -S -s policy.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml --kind policy; expect "minisign's by us" 0 "policy serial 7, good signature"
run verify policy.yaml --trust trust.yaml --json; expect "as JSON" 0 '"serial":7'
run verify policy.yaml --trust trust.yaml --kind lease; expect "another kind" 3 "a policy, not a lease"

# a protected key, both ways (scrypt with 1 GiB: as minisign makes it)
printf "correct horse\ncorrect horse\n" | minisign -G -f -p protected.pub -s protected.sec > /dev/null 2>&1
exec 8< <(echo 'correct horse'); run sign policy.yaml --key protected.sec --password-fd 8; expect "a protected key" 0 policy.yaml.minisig
minisign -V -q -p protected.pub -m policy.yaml || fail "minisign does not take the protected key's signature"
exec 8< <(echo 'wrong horse'); run sign policy.yaml --key protected.sec --password-fd 8; expect "its wrong password" 3 "wrong password"

# refused, each by name
minisign -S -s policy.sec -m policy.yaml > /dev/null
sed 's/foreign: allow/foreign: ask/' policy.yaml > edited.yaml; cp policy.yaml.minisig edited.yaml.minisig
run verify edited.yaml --trust trust.yaml; expect "edited" 3 "the signature does not fit"
minisign -S -s other.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "a stranger's key" 3 "may not sign"
minisign -S -s lease.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "the lease key" 3 "may not sign"
minisign -S -l -s policy.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "the legacy form" 3 "the signature does not fit"
write_policy 8 "$(stamp '30 days ago')" "$(stamp '1 hour ago')"; minisign -S -s policy.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "expired" 3 "it has expired"
write_policy 8 "$(stamp '3 days')" "$(stamp '30 days')"; minisign -S -s policy.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "from the future" 3 "issued in the future"
write_policy 8 "$(stamp '1 hour ago')" "$(stamp '30 days')"
sed -i 's/^network:/networks:/' policy.yaml; minisign -S -s policy.sec -m policy.yaml > /dev/null
run verify policy.yaml --trust trust.yaml; expect "well signed and malformed" 4 "line 6, column 1: unknown key 'networks'"
run sign policy.yaml --key policy.sec; expect "malformed is not signed" 4 "unknown key"
write_policy 8 "$(stamp '1 hour ago')" "$(stamp '30 days')"
echo "serial: 9" >> policy.yaml
run sign policy.yaml --key policy.sec; expect "a key twice" 4 "line 11, column 1: a second 'serial'"
write_policy 0x10 "$(stamp '1 hour ago')" "$(stamp '30 days')"
run sign policy.yaml --key policy.sec; expect "hexadecimal" 4 "line 3, column 9: looks like an octal"

# shown
write_policy 8 "$(stamp '1 hour ago')" "$(stamp '30 days')"
run sign policy.yaml --key policy.sec
run show policy.yaml --trust trust.yaml; expect "shown" 0 "serial 8"
grep -qE '^suspect +closed +closed$' <<< "$text" || fail "the table lacks suspect: $text"
grep -qE '^proven +closed +open$' <<< "$text" || fail "the table lacks proven: $text"
run show policy.yaml --trust trust.yaml --json; expect "shown as JSON" 0 '"proven":{"personal":{"allowed":false,"verdict":"closed","less_corporate":false,"reason":"net-corporate"},"work":{"allowed":true,"verdict":"open"'
run verify; expect "usage" 2 "usage:"
run verify policy.yaml; expect "no trust named" 2 "usage:"
