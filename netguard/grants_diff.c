#include "netguard/grants_diff.h"

#include <string.h>

struct grants_diff grants_diff_all(void)
{
	return (struct grants_diff){ .timed = true,
				     .tunnels = true,
				     .pairs = true,
				     .epoch = true,
				     .prefixes = true,
				     .endpoints = true,
				     .tls = true };
}

/* The entries have no padding: msg_net.h, pairs.h. */
static bool differs(const void *a, uint32_t n_a, const void *b, uint32_t n_b, size_t entry_bytes)
{
	return n_a != n_b || memcmp(a, b, n_a * entry_bytes) != 0;
}

struct grants_diff grants_diff_of(const struct msg_net_state *before,
				  const struct pairs *pairs_before, const struct msg_net_state *now,
				  const struct pairs *pairs_now)
{
	struct grants_diff d = { .timed = before->n_grants > 0 || now->n_grants > 0 };

	d.tunnels = d.timed && (before->n_endpoints > 0 || now->n_endpoints > 0);
	/* they are asked for behind a grant alone; the next one finds them differing from none */
	d.pairs = now->n_grants > 0 && differs(pairs_before->pair, pairs_before->n, pairs_now->pair,
					       pairs_now->n, sizeof(pairs_now->pair[0]));
	/* without a grant no epoch may leave, whatever its number */
	d.epoch = d.timed &&
		  (before->epoch != now->epoch || (before->n_grants > 0) != (now->n_grants > 0));
	d.prefixes = differs(before->prefix, before->n_prefixes, now->prefix, now->n_prefixes,
			     sizeof(now->prefix[0]));
	d.endpoints = differs(before->endpoint, before->n_endpoints, now->endpoint,
			      now->n_endpoints, sizeof(now->endpoint[0]));
	d.tls = differs(before->tls, before->n_tls, now->tls, now->n_tls, sizeof(now->tls[0]));
	return d;
}
