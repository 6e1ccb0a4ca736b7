#include "netguard/grants_vpn.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include <netinet/in.h>

#include <linux/netfilter.h>

#include "netguard/ruleset.h"

/* Laid out as the kernel's keys: each part fills whole registers of four bytes. */
struct endpoint_key { /* the address without its end comes after the name, if that is there */
	char uplink[MSG_IFNAME_BYTES];
	uint8_t rest[16 + 4 + 4];
};

static unsigned address_bytes_of(const struct msg_endpoint *e)
{
	return e->family == AF_INET ? 4 : sizeof(e->address);
}

/* address . protocol . port; how many bytes that takes. */
static uint32_t put_tuple(uint8_t *at, const struct msg_endpoint *e)
{
	unsigned n = address_bytes_of(e);
	uint16_t port_be = htobe16((uint16_t)e->port);

	memcpy(at, e->address, n);
	at[n] = (uint8_t)e->protocol;
	memcpy(at + n + 4, &port_be, sizeof(port_be));
	return n + 8;
}

static void put_vpn(struct batch *b, const char *name, const struct msg_net_state *state,
		    uint32_t family, bool esp)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_INET, name);
	unsigned n = 0;

	for (unsigned i = 0; set && i < state->n_endpoints; i++) {
		const struct msg_endpoint *e = &state->endpoint[i];
		uint8_t key[sizeof(((struct endpoint_key *)0)->rest)] = { 0 };

		if (e->family != family || esp != (e->protocol == IPPROTO_ESP))
			continue;
		if (!batch_element(b, set, esp ? e->address : key,
				   esp ? address_bytes_of(e) : put_tuple(key, e)))
			break;
		n++;
	}
	if (set)
		batch_refill_done(b, NFPROTO_INET, set, n);
}

/* A tunnel of ours may speak to the endpoints where work may, and no longer than that. */
static bool carries_tunnels(const struct msg_grant *g)
{
	return g->net_class == NET_CLASS_WORK &&
	       (g->verdict == GRANT_OPEN || g->verdict == GRANT_VPN);
}

/* Several ports of work on one uplink ask for the same elements: once is enough. */
static bool said_before(const struct msg_net_state *state, unsigned at)
{
	for (unsigned i = 0; i < at; i++)
		if (carries_tunnels(&state->grant[i]) &&
		    strcmp(state->grant[i].out_ifname, state->grant[at].out_ifname) == 0)
			return true;
	return false;
}

static unsigned add_tunnels(struct batch *b, struct nftnl_set *set,
			    const struct msg_net_state *state, const struct msg_grant *g,
			    uint32_t family)
{
	unsigned n = 0;

	for (unsigned i = 0; i < state->n_endpoints; i++) {
		const struct msg_endpoint *e = &state->endpoint[i];
		struct endpoint_key key = { .rest = { 0 } };
		struct nftnl_set_elem *elem;

		if (e->family != family || e->protocol == IPPROTO_ESP)
			continue;
		memcpy(key.uplink, g->out_ifname, strnlen(g->out_ifname, sizeof(key.uplink) - 1));
		elem = batch_element(b, set, &key, MSG_IFNAME_BYTES + put_tuple(key.rest, e));
		if (!elem)
			break;
		nftnl_set_elem_set_u64(elem, NFTNL_SET_ELEM_TIMEOUT, g->timeout_ms);
		n++;
	}
	return n;
}

static void put_tunnels(struct batch *b, const char *name, const struct msg_net_state *state,
			uint32_t family)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_NETDEV, name);
	unsigned n = 0;

	for (unsigned i = 0; set && i < state->n_grants; i++)
		if (carries_tunnels(&state->grant[i]) && !said_before(state, i))
			n += add_tunnels(b, set, state, &state->grant[i], family);
	if (set)
		batch_refill_done(b, NFPROTO_NETDEV, set, n);
}

void grants_vpn_put(struct batch *b, const struct msg_net_state *state)
{
	put_vpn(b, RULESET_VPN4, state, AF_INET, false);
	put_vpn(b, RULESET_VPN6, state, AF_INET6, false);
	put_vpn(b, RULESET_VPN_ESP4, state, AF_INET, true);
	put_vpn(b, RULESET_VPN_ESP6, state, AF_INET6, true);
}

void grants_vpn_put_tunnels(struct batch *b, const struct msg_net_state *state)
{
	put_tunnels(b, RULESET_TUNNEL4, state, AF_INET);
	put_tunnels(b, RULESET_TUNNEL6, state, AF_INET6);
}
