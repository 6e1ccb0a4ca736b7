#include "netguard/pairs.h"

#include <stdbool.h>
#include <string.h>

struct pairs_key pairs_key_of(const char *port, const char *uplink)
{
	struct pairs_key k = { .mark = 0 };

	memcpy(k.port, port, strnlen(port, sizeof(k.port) - 1));
	memcpy(k.uplink, uplink, strnlen(uplink, sizeof(k.uplink) - 1));
	return k;
}

static const struct pairs_key *find(const struct pairs *pairs, const struct pairs_key *key)
{
	for (unsigned i = 0; i < pairs->n; i++)
		if (memcmp(&pairs->pair[i], key, PAIRS_NAMES_BYTES) == 0)
			return &pairs->pair[i];
	return NULL;
}

/* Is the second of the two for some of the places only that the first was for? */
static bool narrows(uint32_t before, uint32_t now, bool other_prefixes)
{
	if (now == GRANT_OPEN_LESS_CORPORATE && (other_prefixes || before == GRANT_OPEN))
		return true;
	return before != now && (now == GRANT_VPN || now == GRANT_PORTAL);
}

static bool is_way_back(uint32_t verdict)
{
	return verdict == GRANT_BACK || verdict == GRANT_BACK_VPN;
}

static uint32_t new_mark(struct pairs *pairs, uint32_t mark_class)
{
	const uint32_t max = (UINT32_C(1) << PAIRS_CLASS_SHIFT) - 1;

	pairs->next_number = pairs->next_number >= max ? 1 : pairs->next_number + 1;
	return mark_class << PAIRS_CLASS_SHIFT | pairs->next_number;
}

void pairs_next(const struct pairs *before, const struct msg_net_state *state, struct pairs *ret,
		struct pairs_dead *ret_dead)
{
	bool other_prefixes;

	memset(ret, 0, sizeof(*ret));
	memset(ret_dead, 0, sizeof(*ret_dead));
	ret->next_number = before->next_number;
	ret->n_prefixes = state->n_prefixes;
	memcpy(ret->prefix, state->prefix, sizeof(ret->prefix)); /* no padding: msg_net.h */
	other_prefixes =
		ret->n_prefixes != before->n_prefixes ||
		memcmp(ret->prefix, before->prefix, ret->n_prefixes * sizeof(ret->prefix[0])) != 0;
	for (unsigned i = 0; i < state->n_grants; i++) {
		const struct msg_grant *grant = &state->grant[i];
		struct pairs_key key = pairs_key_of(grant->in_ifname, grant->out_ifname);
		const struct pairs_key *old = find(before, &key);
		uint32_t mark_class = grant->net_class + 1; /* 0 is no flow of ours */

		if (is_way_back(grant->verdict) || find(ret, &key))
			continue;
		if (old && old->mark >> PAIRS_CLASS_SHIFT == mark_class &&
		    !narrows(before->verdict[old - before->pair], grant->verdict, other_prefixes))
			key.mark = old->mark;
		else
			key.mark = new_mark(ret, mark_class);
		ret->verdict[ret->n] = grant->verdict;
		ret->pair[ret->n++] = key;
	}
	for (unsigned i = 0; i < before->n; i++) {
		const struct pairs_key *now = find(ret, &before->pair[i]);

		if (!now || now->mark != before->pair[i].mark)
			ret_dead->mark[ret_dead->n++] = before->pair[i].mark;
	}
}
