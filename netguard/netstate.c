#include "netguard/netstate.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include "netguard/prefix.h"

static bool is_uplink(const struct ruleset *r, const char *ifname)
{
	for (unsigned i = 0; i < r->n_uplinks; i++)
		if (strcmp(r->uplink[i], ifname) == 0)
			return true;
	return false;
}

static bool ifname_ok(const char *name)
{
	return name[0] != '\0' && msg_text_ok(name, MSG_IFNAME_BYTES);
}

/* Not even a broken decide gives personal the company's VPN, or work a page of a portal. */
static bool class_ok(const struct msg_grant *g)
{
	bool vpn = g->verdict == GRANT_VPN || g->verdict == GRANT_BACK_VPN;

	return !(vpn && g->net_class != NET_CLASS_WORK) &&
	       !(g->verdict == GRANT_PORTAL && g->net_class != NET_CLASS_PERSONAL);
}

static bool grant_ok(const struct msg_grant *g)
{
	return ifname_ok(g->in_ifname) && ifname_ok(g->out_ifname) && g->verdict > 0 &&
	       g->verdict < N_GRANT_VERDICTS && g->net_class < N_NET_CLASSES && class_ok(g) &&
	       g->timeout_ms > 0 && g->timeout_ms <= NETSTATE_TIMEOUT_MAX_MS;
}

static bool endpoint_ok(const struct msg_endpoint *e)
{
	bool has_port = e->protocol == IPPROTO_TCP || e->protocol == IPPROTO_UDP;
	unsigned n_bytes = e->family == AF_INET ? 4 : sizeof(e->address);

	if ((e->family != AF_INET && e->family != AF_INET6) ||
	    (!has_port && e->protocol != IPPROTO_ESP) || e->port > UINT16_MAX ||
	    has_port != (e->port != 0))
		return false;
	for (unsigned i = n_bytes; i < sizeof(e->address); i++)
		if (e->address[i])
			return false;
	return true;
}

/* Out goes from a port to an uplink, back from an uplink to a port; nothing else is a pair. */
static bool pair_ok(const struct msg_grant *g, const struct ruleset *r)
{
	bool back = g->verdict == GRANT_BACK || g->verdict == GRANT_BACK_VPN;

	return is_uplink(r, back ? g->in_ifname : g->out_ifname) &&
	       !is_uplink(r, back ? g->out_ifname : g->in_ifname);
}

int netstate_check(const struct msg_net_state *state, const struct ruleset *ruleset)
{
	if (state->epoch == 0 || state->epoch > UINT16_MAX || state->tightens > 1 ||
	    state->links_down > 1 || (state->links_down && state->n_grants > 0) ||
	    state->n_grants > MSG_GRANTS || state->n_prefixes > MSG_PREFIXES ||
	    state->n_endpoints > MSG_ENDPOINTS || state->n_tls > MSG_TLS ||
	    state->wall_bound_s > INT64_MAX / 1000000000) /* meta time counts nanoseconds */
		return -EPROTO;
	for (unsigned i = 0; i < state->n_grants; i++)
		if (!grant_ok(&state->grant[i]))
			return -EPROTO;
	for (unsigned i = 0; i < state->n_prefixes; i++)
		if (!prefix_ok(&state->prefix[i]))
			return -EPROTO;
	for (unsigned i = 0; i < state->n_tls; i++)
		if (!endpoint_ok(&state->tls[i]) || state->tls[i].protocol != IPPROTO_TCP)
			return -EPROTO;
	for (unsigned i = 0; i < state->n_endpoints; i++)
		if (!endpoint_ok(&state->endpoint[i]))
			return -EPROTO;
	for (unsigned i = 0; i < state->n_grants; i++)
		if (!pair_ok(&state->grant[i], ruleset))
			return -ENODEV;
	return 0;
}
