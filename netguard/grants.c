#include "netguard/grants.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include "netguard/batch.h"
#include "netguard/clock_rule.h"
#include "netguard/grants_diff.h"
#include "netguard/grants_dns.h"
#include "netguard/grants_vpn.h"
#include "netguard/nltalk.h"
#include "netguard/prefix.h"
#include "netguard/ruleset.h"

/* 128 grants take 14 KiB, their pairs as much, 193 ranges 16 KiB, 8 x 32 endpoints 24 KiB; one
 * message stays below the 64 KiB of a netlink attribute, and libmnl wants room for one message
 * behind the limit. */
enum { BATCH_BYTES = 128 * 1024, ONE_BYTES = 32 * 1024 };

struct grants {
	struct mnl_socket *nl;
	uint32_t seq;
	uint32_t uid_dns[N_NET_CLASSES];
	bool known;		    /* the kernel has the next two, if nobody changed it since */
	struct msg_net_state state; /* the last one that it took */
	struct pairs pairs;
	char buf[BATCH_BYTES + ONE_BYTES];
};

int grants_new(const uint32_t uid_dns[N_NET_CLASSES], struct grants **ret)
{
	struct grants *g = calloc(1, sizeof(*g));
	int r;

	if (!g)
		return -ENOMEM;
	r = nltalk_open(NETLINK_NETFILTER, &g->nl);
	if (r < 0) {
		free(g);
		return r;
	}
	memcpy(g->uid_dns, uid_dns, sizeof(g->uid_dns));
	*ret = g;
	return 0;
}

void grants_free(struct grants *grants)
{
	if (!grants)
		return;
	nltalk_close(grants->nl);
	free(grants);
}

uint32_t grants_port(const struct grants *grants)
{
	return mnl_socket_get_portid(grants->nl);
}

/* ---- the state, part by part ---- */

static const char *verdict_chain(uint32_t verdict)
{
	switch ((enum grant_verdict)verdict) {
	case GRANT_OPEN:
		return RULESET_OPEN;
	case GRANT_OPEN_LESS_CORPORATE:
		return RULESET_OPEN_LESS;
	case GRANT_BACK:
		return RULESET_BACK;
	case GRANT_VPN:
		return RULESET_VPN;
	case GRANT_BACK_VPN:
		return RULESET_BACK_VPN;
	case GRANT_PORTAL:
		return RULESET_PORTAL;
	case N_GRANT_VERDICTS:
		break;
	}
	abort(); /* netstate_check() lets no other through */
}

static void put_grants(struct batch *b, const struct msg_net_state *state)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_INET, RULESET_GRANT);

	for (unsigned i = 0; set && i < state->n_grants; i++) {
		const struct msg_grant *g = &state->grant[i];
		struct pairs_key key = pairs_key_of(g->in_ifname, g->out_ifname);
		struct nftnl_set_elem *e = batch_element(b, set, &key, PAIRS_NAMES_BYTES);

		if (!e)
			break;
		nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_VERDICT, (uint32_t)NFT_GOTO);
		nftnl_set_elem_set_u64(e, NFTNL_SET_ELEM_TIMEOUT, g->timeout_ms);
		if (nftnl_set_elem_set_str(e, NFTNL_SET_ELEM_CHAIN, verdict_chain(g->verdict)) < 0)
			b->error = -ENOMEM;
	}
	if (set)
		batch_refill_done(b, NFPROTO_INET, set, state->n_grants);
}

static void put_pairs(struct batch *b, const struct pairs *pairs)
{
	struct nftnl_set *marks = batch_refill(b, NFPROTO_INET, RULESET_PAIR_MARK);
	struct nftnl_set *ok = batch_refill(b, NFPROTO_INET, RULESET_PAIR_OK);

	for (unsigned i = 0; marks && ok && i < pairs->n; i++) {
		const struct pairs_key *key = &pairs->pair[i];
		struct nftnl_set_elem *e = batch_element(b, marks, key, PAIRS_NAMES_BYTES);

		if (!e || !batch_element(b, ok, key, sizeof(*key)))
			break;
		if (nftnl_set_elem_set(e, NFTNL_SET_ELEM_DATA, &key->mark, sizeof(key->mark)) < 0)
			b->error = -ENOMEM;
	}
	if (marks)
		batch_refill_done(b, NFPROTO_INET, marks, pairs->n);
	if (ok)
		batch_refill_done(b, NFPROTO_INET, ok, pairs->n);
}

/* An interval is two elements: its first address, and the one behind its last with a flag. */
static void put_ranges(struct batch *b, const char *name, const struct prefix_range *range,
		       unsigned n, uint32_t address_bytes)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_INET, name);

	for (unsigned i = 0; set && i < n; i++) {
		uint8_t behind[sizeof(range->last)];
		struct nftnl_set_elem *e = batch_element(b, set, range[i].first, address_bytes);
		uint32_t at = address_bytes;

		memcpy(behind, range[i].last, sizeof(behind));
		while (at > 0 && ++behind[at - 1] == 0)
			at--;
		if (!e || at == 0) /* all ones: the interval has no end */
			continue;
		e = batch_element(b, set, behind, address_bytes);
		if (e)
			nftnl_set_elem_set_u32(e, NFTNL_SET_ELEM_FLAGS, NFT_SET_ELEM_INTERVAL_END);
	}
	if (set)
		batch_refill_done(b, NFPROTO_INET, set, n);
}

static void put_prefixes(struct batch *b, const struct msg_net_state *state)
{
	struct prefix_ranges ranges;

	prefix_ranges_build(state->prefix, state->n_prefixes, &ranges);
	put_ranges(b, RULESET_CORPORATE4, ranges.v4, ranges.n4, 4);
	put_ranges(b, RULESET_CORPORATE6, ranges.v6, ranges.n6, 16);
}

/* A chain of one rule is emptied; without a grant it stays so, and nothing is even looked up. */
static void put_clock(struct batch *b, const struct msg_net_state *state)
{
	struct nftnl_rule *rule = nftnl_rule_alloc();

	if (!rule || nftnl_rule_set_str(rule, NFTNL_RULE_TABLE, RULESET_TABLE) < 0 ||
	    nftnl_rule_set_str(rule, NFTNL_RULE_CHAIN, RULESET_CLOCK) < 0) {
		nftnl_rule_free(rule);
		b->error = -ENOMEM;
		return;
	}
	nftnl_rule_nlmsg_build_payload(batch_begin(b, NFT_MSG_DELRULE, NFPROTO_INET, 0), rule);
	batch_done(b);
	if (state->n_grants > 0) {
		int r = clock_rule_build(rule, state->wall_bound_s,
					 RULESET_EPOCH_MARK(state->epoch), RULESET_DISPATCH);

		if (r < 0)
			b->error = r;
		nftnl_rule_nlmsg_build_payload(
			batch_begin(b, NFT_MSG_NEWRULE, NFPROTO_INET, NLM_F_CREATE | NLM_F_APPEND),
			rule);
		batch_done(b);
	}
	nftnl_rule_free(rule);
}

static void put_epoch(struct batch *b, const struct msg_net_state *state)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_NETDEV, RULESET_EPOCH);
	uint32_t mark = RULESET_EPOCH_MARK(state->epoch);
	unsigned n = state->n_grants > 0;

	if (set && n > 0)
		(void)batch_element(b, set, &mark, sizeof(mark));
	if (set)
		batch_refill_done(b, NFPROTO_NETDEV, set, n);
}

/* A part of a key takes whole words of four bytes: behind the address, the port and two zeros. */
static void put_tls(struct batch *b, const char *name, const struct msg_net_state *state,
		    uint32_t family, uint32_t address_bytes)
{
	struct nftnl_set *set = batch_refill(b, NFPROTO_NETDEV, name);
	unsigned n = 0;

	for (unsigned i = 0; set && i < state->n_tls; i++) {
		const struct msg_endpoint *t = &state->tls[i];
		uint8_t key[sizeof(t->address) + sizeof(uint32_t)] = { 0 };

		if (t->family != family)
			continue;
		memcpy(key, t->address, address_bytes);
		key[address_bytes] = (uint8_t)(t->port >> 8);
		key[address_bytes + 1] = (uint8_t)t->port;
		if (!batch_element(b, set, key, address_bytes + (uint32_t)sizeof(uint32_t)))
			break;
		n++;
	}
	if (set)
		batch_refill_done(b, NFPROTO_NETDEV, set, n);
}

/* What differs; the grant map always, so that there is an answer. */
static int send_state(struct grants *g, const struct msg_net_state *state,
		      const struct grants_links *links, const struct pairs *pairs,
		      const struct grants_diff *diff, uint32_t generation)
{
	struct batch b;

	batch_start(&b, g->buf, BATCH_BYTES, &g->seq, generation);
	if (b.error < 0)
		return b.error;
	put_grants(&b, state);
	if (diff->timed) {
		grants_alive_put(&b, state, pairs, links);
		grants_dns_put(&b, g->uid_dns, state);
		put_clock(&b, state);
	}
	if (diff->epoch)
		put_epoch(&b, state);
	if (diff->pairs)
		put_pairs(&b, pairs);
	if (diff->tunnels)
		grants_vpn_put_tunnels(&b, state);
	if (diff->endpoints)
		grants_vpn_put(&b, state);
	if (diff->prefixes)
		put_prefixes(&b, state);
	if (diff->tls) {
		put_tls(&b, RULESET_TLS4, state, AF_INET, 4);
		put_tls(&b, RULESET_TLS6, state, AF_INET6, 16);
	}
	return batch_send(&b, g->nl);
}

int grants_apply(struct grants *grants, const struct msg_net_state *state,
		 const struct grants_links *links, uint32_t generation, struct pairs_dead *ret_dead)
{
	struct grants_diff diff = grants_diff_all();
	bool known = grants->known && generation != 0;
	struct pairs_dead dead;
	struct pairs pairs;
	int r;

	pairs_next(&grants->pairs, state, &pairs, &dead);
	if (known)
		diff = grants_diff_of(&grants->state, &grants->pairs, state, &pairs);
	r = send_state(grants, state, links, &pairs, &diff, known ? generation : 0);
	if (known && r == -ERESTART) { /* somebody was faster: what he changed is not known */
		diff = grants_diff_all();
		r = send_state(grants, state, links, &pairs, &diff, 0);
	}
	grants->known = r == 0;
	if (r < 0)
		return r;
	*ret_dead = dead;
	grants->pairs = pairs;
	grants->state = *state;
	return 0;
}

int grants_check_egress(struct grants *grants, unsigned n_uplinks)
{
	int r = 0;

	for (unsigned i = 0; i < n_uplinks && r == 0; i++) {
		_Alignas(struct nlmsghdr) char buf[512];
		struct nftnl_chain *chain = nftnl_chain_alloc();
		char name[sizeof(RULESET_EGRESS) + 4];
		struct nlmsghdr *nlh;

		if (!chain)
			return -ENOMEM;
		(void)snprintf(name, sizeof(name), RULESET_EGRESS "%hhu", (unsigned char)i);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_TABLE, RULESET_TABLE);
		nftnl_chain_set_str(chain, NFTNL_CHAIN_NAME, name);
		nlh = nftnl_nlmsg_build_hdr(buf, NFT_MSG_GETCHAIN, NFPROTO_NETDEV, 0,
					    grants->seq++);
		nftnl_chain_nlmsg_build_payload(nlh, chain);
		nftnl_chain_free(chain);
		r = nltalk_get(grants->nl, nlh, NULL, NULL);
	}
	return r;
}
