#include "netguard/ruleset.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "netguard/ruleset_forward.h"
#include "netguard/ruleset_local.h"
#include "netguard/ruleset_sample.h"

/* Name and index: an uplink is that link under that name. A link that takes the name of another is
 * no uplink, at once, and neither is one that was renamed: grants are kept by name. */
static void add_uplinks(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "	set uplinks { type ifname . iface_index;");
	for (unsigned i = 0; i < r->n_uplinks; i++) {
		ruleset_text_add(t, i ? ", \"" : " elements = { \"");
		ruleset_text_add(t, r->uplink[i]);
		ruleset_text_add(t, "\" . ");
		ruleset_text_number(t, r->ifindex[i]);
	}
	ruleset_text_add(t, r->n_uplinks ? " }; }\n" : " }\n");
}

static void add_inet(struct ruleset_text *t, const struct ruleset *r)
{
	ruleset_text_add(t, "table inet " RULESET_TABLE " {\n");
	add_uplinks(t, r);
	ruleset_forward_add(t, r);
	ruleset_local_add(t, r);
	ruleset_text_add(t, "}\n");
}

static bool name_ok(const char *name)
{
	size_t n = strnlen(name, MSG_IFNAME_BYTES);

	for (size_t i = 0; i < n; i++) {
		char c = name[i];

		if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
		      c == '.' || c == '-' || c == '_'))
			return false;
	}
	return n > 0 && n < MSG_IFNAME_BYTES;
}

static bool ruleset_ok(const struct ruleset *r)
{
	if (r->n_uplinks > MSG_UPLINKS || r->uid_prove == 0 || r->uid_ports == 0 ||
	    r->uid_dns[NET_CLASS_PERSONAL] == 0 || r->uid_dns[NET_CLASS_WORK] == 0 ||
	    r->flows_per_port < RULESET_FLOWS_MIN)
		return false;
	for (unsigned i = 0; i < r->n_uplinks; i++) {
		if (!name_ok(r->uplink[i]) || r->ifindex[i] == 0 || r->kind[i] >= N_UPLINK_KINDS)
			return false;
		for (unsigned j = 0; j < i; j++)
			if (strcmp(r->uplink[i], r->uplink[j]) == 0)
				return false;
	}
	return true;
}

int ruleset_build(const struct ruleset *ruleset, char *ret_text, size_t text_bytes)
{
	struct ruleset_text t = { .at = ret_text, .left_bytes = text_bytes };

	if (!ruleset_ok(ruleset))
		return -EINVAL;
	/* other people's tables in our namespace, too: one could pass to the host what we drop */
	ruleset_text_add(&t, "flush ruleset\n");
	add_inet(&t, ruleset);
	ruleset_text_add(&t, "table netdev " RULESET_TABLE " {\n"
			     "	set epoch { type mark; size 2; }\n"
			     "	set tunnel4 { type ifname . ipv4_addr . inet_proto . "
			     "inet_service; flags timeout; }\n"
			     "	set tunnel6 { type ifname . ipv6_addr . inet_proto . "
			     "inet_service; flags timeout; }\n"
			     "	set tls4 { type ipv4_addr . inet_service; }\n"
			     "	set tls6 { type ipv6_addr . inet_service; }\n"
			     "	set dns_out { type uid . ifname; flags timeout; }\n");
	ruleset_sample_add(&t, BLOCKED_LEAK, false);
	ruleset_sample_add(&t, BLOCKED_STALE, false);
	for (unsigned i = 0; i < ruleset->n_uplinks; i++)
		if (ruleset->kind[i] == UPLINK_TUNNEL)
			ruleset_local_egress_tunnel(&t, ruleset, i);
		else
			ruleset_local_egress(&t, ruleset, i);
	ruleset_text_add(&t, "}\n");
	return t.bad ? -ENOSPC : 0;
}
