#include "policy/decide.h"

#include <string.h>

#include "policy/accept.h"

static uint32_t refuse(enum reason reason, enum reason *ret_reason)
{
	*ret_reason = reason;
	return 0;
}

static uint32_t allow(enum grant_verdict verdict, enum reason *ret_reason)
{
	*ret_reason = REASON_OK;
	return verdict;
}

static uint32_t foreign_cell(const struct policy *policy, bool agreed, enum reason *ret_reason)
{
	if (policy->foreign == POLICY_FOREIGN_ALLOW ||
	    (policy->foreign == POLICY_FOREIGN_ASK && agreed))
		return allow(GRANT_OPEN_LESS_CORPORATE, ret_reason);
	return refuse(policy->foreign == POLICY_FOREIGN_ASK ? REASON_NET_ASK
							    : REASON_NET_NOT_ENROLLED,
		      ret_reason);
}

static uint32_t personal_cell(const struct policy *policy, enum zone zone, bool agreed,
			      enum reason *ret_reason)
{
	switch (zone) {
	case ZONE_SUSPECT:
		return refuse(REASON_NET_SUSPECT, ret_reason);
	case ZONE_PROVEN:
		return refuse(REASON_NET_CORPORATE, ret_reason);
	case ZONE_FOREIGN:
		return foreign_cell(policy, agreed, ret_reason);
	case ZONE_HOME:
		if (!policy->home_allowed)
			return refuse(REASON_NET_POLICY, ret_reason);
		return allow(GRANT_OPEN_LESS_CORPORATE, ret_reason);
	case ZONE_TUNNEL: /* the company's network, wherever it begins */
		return refuse(REASON_NET_CORPORATE, ret_reason);
	case ZONE_UNKNOWN:
	case N_ZONES:
		break;
	}
	return refuse(REASON_NET_UNKNOWN, ret_reason);
}

static uint32_t work_outside(const struct policy *policy, enum reason closed,
			     enum reason *ret_reason)
{
	if (policy->n_vpn == 0)
		return refuse(closed, ret_reason);
	return allow(GRANT_VPN, ret_reason);
}

static uint32_t work_cell(const struct policy *policy, enum zone zone, enum reason *ret_reason)
{
	switch (zone) {
	case ZONE_SUSPECT:
		return work_outside(policy, REASON_NET_SUSPECT, ret_reason);
	case ZONE_PROVEN:
		if (!policy->work_proven)
			return refuse(REASON_NET_POLICY, ret_reason);
		return allow(GRANT_OPEN, ret_reason);
	case ZONE_FOREIGN:
	case ZONE_HOME:
		return work_outside(policy, REASON_NET_FOREIGN, ret_reason);
	case ZONE_TUNNEL:
		if (!policy->work_tunnel)
			return refuse(REASON_NET_POLICY, ret_reason);
		return allow(GRANT_OPEN, ret_reason);
	case ZONE_UNKNOWN:
	case N_ZONES:
		break;
	}
	return refuse(REASON_NET_UNKNOWN, ret_reason);
}

static uint32_t cell(const struct policy *policy, enum net_class net_class, enum zone zone,
		     bool agreed, enum reason *ret_reason)
{
	if (!policy)
		return refuse(REASON_DOC_MISSING, ret_reason);
	if (net_class == NET_CLASS_PERSONAL)
		return personal_cell(policy, zone, agreed, ret_reason);
	if (net_class == NET_CLASS_WORK)
		return work_cell(policy, zone, ret_reason);
	return refuse(REASON_INTERNAL, ret_reason);
}

uint32_t decide_cell(const struct policy *policy, enum net_class net_class, enum zone zone,
		     enum reason *ret_reason)
{
	return cell(policy, net_class, zone, false, ret_reason);
}

/* A tunnel is open to work when its other end was proven, and nothing to personal, ever; the zones
 * of wires are not for it, nor its zone for wires. */
static uint32_t uplink_cell(const struct policy *policy, enum net_class net_class,
			    const struct decide_uplink *uplink, enum reason *ret_reason)
{
	enum zone zone = (enum zone)uplink->zone;
	uint32_t verdict;

	if ((zone == ZONE_TUNNEL) != (uplink->kind == UPLINK_TUNNEL))
		zone = ZONE_UNKNOWN;
	verdict = cell(policy, net_class, zone, uplink->agreed, ret_reason);
	if (!verdict && policy && policy->portal_allowed && uplink->portal &&
	    net_class == NET_CLASS_PERSONAL && zone == ZONE_FOREIGN)
		return allow(GRANT_PORTAL, ret_reason);
	return verdict;
}

/* The uplink that closes personal everywhere: a proven one before a suspect one; NULL: none. A
 * tunnel does not: it is closed to personal itself. */
static const struct decide_uplink *closing_uplink(const struct policy *policy,
						  const struct decide_uplink *uplink, unsigned n)
{
	const struct decide_uplink *found = NULL;

	if (!policy || !policy->other_uplink_closes)
		return NULL;
	for (unsigned i = 0; i < n; i++)
		if (uplink[i].kind == UPLINK_TUNNEL)
			continue;
		else if (uplink[i].zone == ZONE_PROVEN)
			return &uplink[i];
		else if ((uplink[i].zone == ZONE_SUSPECT || uplink[i].closes) && !found)
			found = &uplink[i];
	return found;
}

/* Which refusal a person should read first: the one that says most about where the laptop is. */
static unsigned weight(enum reason reason)
{
	static const uint8_t order[] = {
		[REASON_NET_OTHER_UPLINK] = 6, [REASON_NET_CORPORATE] = 5,
		[REASON_NET_SUSPECT] = 4,      [REASON_NET_FOREIGN] = 3,
		[REASON_NET_POLICY] = 2,       [REASON_NET_UNKNOWN] = 1,
		[REASON_NET_ASK] = 2,	       [REASON_NET_NOT_ENROLLED] = 2,
	};

	return (unsigned)reason < sizeof(order) ? order[reason] : 0;
}

static void add_grant(struct decide_net *net, const char *in, const char *out, uint32_t verdict,
		      uint32_t net_class, uint32_t timeout_ms)
{
	struct msg_grant *g;

	if (net->n_grants >= MSG_GRANTS)
		return; /* never: two for each of MSG_UPLINKS x MSG_PORTS */
	g = &net->grant[net->n_grants++];
	memcpy(g->in_ifname, in, sizeof(g->in_ifname));
	memcpy(g->out_ifname, out, sizeof(g->out_ifname));
	g->verdict = verdict;
	g->net_class = net_class;
	g->timeout_ms = timeout_ms;
}

/* Which of its uplinks a port is shown by: the first that opens all, else one that opens some, else
 * the refusal that says most. */
static bool tells_more(const struct decide_port_result *shown, uint32_t verdict, enum reason reason)
{
	bool narrow = verdict == GRANT_VPN || verdict == GRANT_PORTAL;

	if (shown->allowed)
		return verdict && !narrow &&
		       (shown->verdict == GRANT_VPN || shown->verdict == GRANT_PORTAL);
	return verdict || weight(reason) > weight((enum reason)shown->reason);
}

static void decide_port(const struct policy *policy, const struct decide_uplink *uplink,
			unsigned n_uplinks, const struct decide_port *port, uint32_t timeout_ms,
			struct decide_port_result *result, struct decide_net *net)
{
	const struct decide_uplink *closing = closing_uplink(policy, uplink, n_uplinks);

	result->reason = policy ? REASON_NET_NO_UPLINK : REASON_DOC_MISSING;
	for (unsigned i = 0; i < n_uplinks; i++) {
		const struct decide_uplink *by = &uplink[i];
		enum reason reason;
		uint32_t verdict =
			uplink_cell(policy, (enum net_class)port->net_class, by, &reason);

		if (verdict && closing && port->net_class == NET_CLASS_PERSONAL) {
			verdict = 0;
			reason = REASON_NET_OTHER_UPLINK;
			by = closing;
		}
		if (verdict) {
			add_grant(net, port->ifname, by->ifname, verdict, port->net_class,
				  timeout_ms);
			add_grant(net, by->ifname, port->ifname,
				  verdict == GRANT_VPN ? GRANT_BACK_VPN : GRANT_BACK,
				  port->net_class, timeout_ms);
		}
		if (!tells_more(result, verdict, reason))
			continue;
		result->allowed = verdict != 0;
		result->verdict = verdict;
		result->reason = reason;
		memcpy(result->by_uplink, by->ifname, sizeof(result->by_uplink));
	}
}

void decide_grants(const struct policy *policy, const struct decide_uplink *uplink,
		   unsigned n_uplinks, const struct decide_port *port, unsigned n_ports,
		   uint32_t timeout_ms, struct decide_net *ret)
{
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < n_ports && i < MSG_PORTS; i++)
		decide_port(policy, uplink, n_uplinks < MSG_UPLINKS ? n_uplinks : MSG_UPLINKS,
			    &port[i], timeout_ms, &ret->port[i], ret);
}

const char *decide_verdict_name(uint32_t verdict)
{
	static const char *const names[N_GRANT_VERDICTS] = {
		[GRANT_OPEN] = "open",
		[GRANT_OPEN_LESS_CORPORATE] = "open-less-corporate",
		[GRANT_VPN] = "vpn",
		[GRANT_PORTAL] = "portal",
	};

	return verdict < N_GRANT_VERDICTS && names[verdict] ? names[verdict] : "closed";
}

static bool holds(const struct decide_net *net, const struct msg_grant *want)
{
	for (uint32_t i = 0; i < net->n_grants && i < MSG_GRANTS; i++) {
		const struct msg_grant *g = &net->grant[i];

		if (g->verdict == want->verdict && g->net_class == want->net_class &&
		    memcmp(g->in_ifname, want->in_ifname, sizeof(g->in_ifname)) == 0 &&
		    memcmp(g->out_ifname, want->out_ifname, sizeof(g->out_ifname)) == 0)
			return true;
	}
	return false;
}

static bool has_more(const struct decide_net *net, const struct decide_net *than)
{
	for (uint32_t i = 0; i < net->n_grants && i < MSG_GRANTS; i++)
		if (!holds(than, &net->grant[i]))
			return true;
	return false;
}

bool decide_tightens(const struct decide_net *before, const struct decide_net *now)
{
	return has_more(before, now);
}

bool decide_loosens(const struct decide_net *before, const struct decide_net *now)
{
	return has_more(now, before);
}

/* Both end within MSG_NAME_BYTES. */
static bool same_name(const char *a, const char *b)
{
	return strnlen(a, MSG_NAME_BYTES) == strnlen(b, MSG_NAME_BYTES) &&
	       memcmp(a, b, strnlen(a, MSG_NAME_BYTES)) == 0;
}

static bool plain_allowed(const struct policy *policy, const uint8_t root[32])
{
	for (uint32_t i = 0; i < policy->n_plain; i++)
		if (memcmp(policy->plain_sha256[i], root, sizeof(policy->plain_sha256[i])) == 0)
			return true;
	return false;
}

const struct msg_layer *decide_denied_plain(const struct policy *policy, const struct lease *lease)
{
	for (uint32_t i = 0; i < lease->key.n_parents; i++)
		if (lease->key.parent[i].plain && !plain_allowed(policy, lease->key.parent[i].root))
			return &lease->key.parent[i];
	return NULL;
}

enum reason decide_unlock(const struct policy *policy, const struct lease *lease,
			  const char *device, const char *disk, uint64_t now_wall_s)
{
	struct accept_doc doc;
	enum reason reason;

	if (!policy || device[0] == '\0')
		return REASON_DOC_MISSING;
	doc = (struct accept_doc){
		.serial = policy->serial,
		.issued_wall_s = policy->issued_wall_s,
		.expires_wall_s = policy->expires_wall_s,
		.grace_s = policy->grace_s,
	};
	reason = accept_unlock(&doc, now_wall_s);
	if (reason != REASON_OK)
		return reason;
	if (!same_name(lease->device, device))
		return REASON_LEASE_DEVICE;
	if (!same_name(lease->disk, disk))
		return REASON_LEASE_DISK;
	if (lease->not_after_wall_s <= now_wall_s)
		return REASON_LEASE_EXPIRED;
	return decide_denied_plain(policy, lease) ? REASON_PLAIN : REASON_OK;
}
