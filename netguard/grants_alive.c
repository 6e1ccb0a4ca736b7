#include "netguard/grants_alive.h"

#include <string.h>

#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_conntrack_tuple_common.h>

#include "netguard/ruleset.h"

/* As the kernel concatenates it: each part in a register of its own, host order. */
struct key {
	uint8_t direction;
	uint8_t pad[3];
	uint32_t in_ifindex;
	uint32_t out_ifindex;
	uint32_t mark;
};

uint32_t grants_alive_index(const struct grants_links *links, const char *ifname)
{
	for (unsigned i = 0; i < links->n; i++)
		if (strncmp(links->link[i].ifname, ifname, MSG_IFNAME_BYTES) == 0)
			return links->link[i].ifindex;
	return 0;
}

static uint32_t mark_of(const struct pairs *pairs, const struct msg_grant *g)
{
	struct pairs_key key = pairs_key_of(g->in_ifname, g->out_ifname);

	for (unsigned i = 0; i < pairs->n; i++)
		if (memcmp(&pairs->pair[i], &key, PAIRS_NAMES_BYTES) == 0)
			return pairs->pair[i].mark;
	return 0;
}

static bool put(struct batch *b, struct nftnl_set *set, const struct key *key, uint32_t timeout_ms)
{
	struct nftnl_set_elem *e = batch_element(b, set, key, sizeof(*key));

	if (e)
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, timeout_ms);
	return e != NULL;
}

/* Both directions; how many elements. */
static unsigned put_both(struct batch *b, struct nftnl_set *set, const struct msg_grant *g,
			 const struct pairs *pairs, const struct grants_links *links)
{
	struct key there = { .direction = IP_CT_DIR_ORIGINAL,
			     .in_ifindex = grants_alive_index(links, g->in_ifname),
			     .out_ifindex = grants_alive_index(links, g->out_ifname),
			     .mark = mark_of(pairs, g) };
	struct key back = { .direction = IP_CT_DIR_REPLY,
			    .in_ifindex = there.out_ifindex,
			    .out_ifindex = there.in_ifindex,
			    .mark = there.mark };

	if (there.in_ifindex == 0 || there.out_ifindex == 0 || there.mark == 0)
		return 0;
	if (!put(b, set, &there, g->timeout_ms) || !put(b, set, &back, g->timeout_ms))
		return 0;
	return 2;
}

void grants_alive_put(struct batch *b, const struct msg_net_state *state, const struct pairs *pairs,
		      const struct grants_links *links)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_INET, RULESET_ALIVE);
	unsigned n = 0;

	for (unsigned i = 0; set && i < state->n_grants; i++)
		if (state->grant[i].verdict == GRANT_OPEN ||
		    state->grant[i].verdict == GRANT_OPEN_LESS_CORPORATE)
			n += put_both(b, set, &state->grant[i], pairs, links);
	if (set)
		batch_refill_done(b, NFPROTO_INET, set, n);
}
