# The policy is a signed file, and only a newer one takes its place.
#
# shellcheck shell=bash
demo_step 6 "The policy: signed, or not in force"

policy_refused() { # policy_refused WHAT REASON FILE
	local status said
	said=$(bulkhead policy install "$3" 2>&1)
	status=$?
	if [ $status = 3 ] && grep -qi -- "$2" <<<"$said" &&
		[ "$(laptop_status .policy_serial)" = "$policy_serial" ]; then
		good "$1" "exit 3: ${said#bulkhead: policy install *: }"
	else
		bad "$1" "exit $status: $said"
	fi
}

pki_policy 8 "$(pki_date +20days)" >"$IT/policy8.yaml"
pki_sign policy "$IT/policy8.yaml"
expect "a newer policy is taken" "$(bulkhead policy install "$IT/policy8.yaml" 2>&1)" \
	test "$(laptop_status .policy_serial)" = 8
policy_serial=$(laptop_status .policy_serial)

sed 's/foreign: allow/foreign: ask/' "$IT/policy8.yaml" >"$IT/edited.yaml"
cp "$IT/policy8.yaml.minisig" "$IT/edited.yaml.minisig"
policy_refused "an edited copy is refused" signature "$IT/edited.yaml"
pki_policy 6 "$(pki_date +20days)" >"$IT/older.yaml"
pki_sign policy "$IT/older.yaml"
policy_refused "one with a lower serial is refused" serial "$IT/older.yaml"
pki_policy 9 "$(pki_date -1minute)" >"$IT/expired.yaml"
pki_sign policy "$IT/expired.yaml"
policy_refused "an expired one is refused" expired "$IT/expired.yaml"
pki_policy 10 "$(pki_date +20days)" >"$IT/foreign.yaml"
pki_sign stranger "$IT/foreign.yaml"
policy_refused "one signed by a stranger is refused" sign "$IT/foreign.yaml"
expect "the last good one stays in force" "serial $policy_serial" \
	test "$(laptop_status .policy_serial)" = 8
