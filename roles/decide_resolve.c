/* Grants become resolvers: which ports a class's resolver serves, and whom it asks. */
#include "roles/decide.h"

#include <string.h>

#include "netguard/resolvers.h"

void decide_resolve_claim(struct uplink *u, const struct msg_claim *claim)
{
	(void)resolvers_claim(&u->resolvers, claim, u->state.link.mac);
}

static bool opens(const struct msg_grant *g)
{
	/* not towards a VPN's endpoints: names of the network outside are none for that way */
	return g->verdict == GRANT_OPEN || g->verdict == GRANT_OPEN_LESS_CORPORATE ||
	       g->verdict == GRANT_PORTAL;
}

static void add_port(struct msg_dns *dns, const char *ifname)
{
	for (uint32_t i = 0; i < dns->n_ports; i++)
		if (strcmp(dns->port[i], ifname) == 0)
			return;
	if (dns->n_ports < MSG_PORTS)
		memcpy(dns->port[dns->n_ports++], ifname, MSG_IFNAME_BYTES);
}

static void wanted_of(const struct decider *d, uint32_t net_class, struct msg_dns *ret)
{
	const struct decide_net *allowed = &d->plan.allowed;
	/* personal never asks behind a corporate prefix, whatever its grant says */
	uint32_t n_prefixes = net_class == NET_CLASS_PERSONAL ? d->plan.n_prefixes : 0;

	memset(ret, 0, sizeof(*ret));
	ret->net_class = net_class;
	for (uint32_t i = 0; i < allowed->n_grants; i++) {
		const struct msg_grant *g = &allowed->grant[i];

		if (g->net_class != net_class || !opens(g))
			continue;
		add_port(ret, g->in_ifname);
		for (unsigned u = 0; u < d->n_uplinks; u++)
			if (strcmp(d->uplink[u].ifname, g->out_ifname) == 0)
				resolvers_add(&d->uplink[u].resolvers, g->out_ifname,
					      d->plan.prefix, n_prefixes, ret);
	}
	/* said once only: what does not run needs no ports */
	if (ret->n_resolvers == 0) {
		ret->n_ports = 0;
		memset(ret->port, 0, sizeof(ret->port));
	}
}

void decide_resolve(struct decider *d)
{
	for (uint32_t c = 0; c < N_NET_CLASSES; c++) {
		struct msg_sup msg = { .verb = SUP_DNS };

		memset(&msg.dns, 0, sizeof(msg.dns));
		wanted_of(d, c, &msg.dns);
		/* a predecessor's word ends with the first of ours */
		if (d->dns_told && memcmp(&msg.dns, &d->dns[c], sizeof(msg.dns)) == 0)
			continue;
		d->dns[c] = msg.dns;
		role_send_sup(&msg, -1);
	}
	d->dns_told = true;
}
