#include "netguard/grants_dns.h"

#include <string.h>

#include <libnftnl/set.h>
#include <linux/netfilter.h>

#include "netguard/pairs.h"
#include "netguard/ruleset.h"

/* Laid out as the kernel's key (uid . ifname). */
struct dns_key {
	uint32_t uid;
	char uplink[MSG_IFNAME_BYTES];
};

/* A port with two uplinks is there twice: adding an element again is no error. */
void grants_dns_put(struct batch *b, const uint32_t uid_dns[N_NET_CLASSES],
		    const struct msg_net_state *state)
{
	struct nftnl_set *ports = batch_refill(b, NFPROTO_INET, RULESET_DNS_PORT);
	struct nftnl_set *out = batch_refill(b, NFPROTO_NETDEV, RULESET_DNS_OUT);
	unsigned n = 0;

	for (unsigned i = 0; ports && out && i < state->n_grants; i++) {
		const struct msg_grant *g = &state->grant[i];
		struct pairs_key names = pairs_key_of(g->in_ifname, g->out_ifname);
		struct dns_key key = { .uid = uid_dns[g->net_class] };
		struct nftnl_set_elem *port, *uplink;

		if (g->verdict != GRANT_OPEN && g->verdict != GRANT_OPEN_LESS_CORPORATE &&
		    g->verdict != GRANT_PORTAL) /* pages have names */
			continue;
		memcpy(key.uplink, names.uplink, sizeof(key.uplink));
		port = batch_element(b, ports, names.port, sizeof(names.port));
		uplink = batch_element(b, out, &key, sizeof(key));
		if (!port || !uplink)
			break;
		nftnl_set_elem_set_u64(port, NFTNL_SET_ELEM_TIMEOUT, g->timeout_ms);
		nftnl_set_elem_set_u64(uplink, NFTNL_SET_ELEM_TIMEOUT, g->timeout_ms);
		n++;
	}
	if (ports)
		batch_refill_done(b, NFPROTO_INET, ports, n);
	if (out)
		batch_refill_done(b, NFPROTO_NETDEV, out, n);
}
