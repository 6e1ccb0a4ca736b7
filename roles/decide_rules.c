/* What the policy says of signs, as the state machine takes it. */
#include "roles/decide.h"

#include <string.h>

#include "base/util.h"

static void lists_of(const struct policy *policy, struct classify_rules *r)
{
	for (uint32_t i = 0; i < MIN(policy->n_suffixes, (uint32_t)CLASSIFY_SUFFIXES); i++)
		memcpy(r->suffix[r->n_suffixes++], policy->suffix[i], sizeof(policy->suffix[i]));
	for (uint32_t i = 0; i < MIN(policy->n_systems, (uint32_t)CLASSIFY_NEIGHBOURS); i++)
		memcpy(r->neighbour[r->n_neighbours++], policy->system[i],
		       sizeof(policy->system[i]));
	for (uint32_t i = 0; i < MIN(policy->n_prefixes, (uint32_t)CLASSIFY_PREFIXES); i++)
		r->prefix[r->n_prefixes++] = policy->prefix[i];
}

void decide_rules_of(const struct policy *policy, struct classify_rules *r)
{
	static const struct {
		enum policy_sign sign;
		enum sign_kind kind;
	} any[] = {
		{ POLICY_SIGN_LLDP, SIGN_LLDP },
		{ POLICY_SIGN_CDP, SIGN_CDP },
		{ POLICY_SIGN_RA, SIGN_RA },
		{ POLICY_SIGN_EAPOL, SIGN_EAPOL },
		{ POLICY_SIGN_VLAN, SIGN_VLAN },
		{ POLICY_SIGN_DHCP_DOMAIN, SIGN_DHCP4 },
		{ POLICY_SIGN_DHCP_DOMAIN, SIGN_DHCP6 },
	};

	static_assert(sizeof(policy->suffix[0]) <= sizeof(r->suffix[0]), "suffixes fit");
	static_assert(sizeof(policy->system[0]) <= sizeof(r->neighbour[0]), "systems fit");
	classify_rules_init(r);
	if (!policy)
		return;
	r->foreign_window_ms = policy->foreign_window_ms;
	r->home_window_ms = policy->home_window_ms;
	r->dhcp_private = policy->sign[POLICY_SIGN_DHCP_PRIVATE] != POLICY_RULE_IGNORED;
	r->dhcp_vendor = policy->sign[POLICY_SIGN_DHCP_VENDOR] != POLICY_RULE_IGNORED;
	r->dhcp_domain = policy->sign[POLICY_SIGN_DHCP_DOMAIN] != POLICY_RULE_IGNORED;
	r->address = policy->sign[POLICY_SIGN_ADDRESS] != POLICY_RULE_IGNORED;
	r->ra = policy->sign[POLICY_SIGN_RA] != POLICY_RULE_IGNORED;
	r->any_kinds = 0;
	for (size_t i = 0; i < ARRAY_LEN(any); i++)
		if (policy->sign[any[i].sign] == POLICY_RULE_ANY)
			r->any_kinds |= 1U << any[i].kind;
	lists_of(policy, r);
}
