#include "policy/policy_diff.h"

#include <stddef.h>
#include <string.h>

#include "base/util.h"
#include "policy/decide.h"

enum { N_CELLS = N_ZONES * N_NET_CLASSES };

/* Which way a greater value, or an entry more, goes. */
enum more { MORE_OTHER, MORE_LOOSER, MORE_TIGHTER };

static const struct value {
	const char *key;
	size_t at, n_bytes;
	enum more more;
} values[] = {
#define VALUE(key, field, more)                                                                    \
	{                                                                                          \
		key, offsetof(struct policy, field), sizeof(((struct policy *)0)->field), more     \
	}
	VALUE("network.other_uplink_closes", other_uplink_closes, MORE_TIGHTER),
	VALUE("network.foreign", foreign, MORE_LOOSER),
	VALUE("network.foreign_window", foreign_window_ms, MORE_TIGHTER),
	VALUE("network.home_window", home_window_ms, MORE_TIGHTER),
	VALUE("network.home_enrolment", home_enrolment, MORE_LOOSER),
	VALUE("network.foreign_answer", foreign_answer, MORE_LOOSER),
	VALUE("network.home_max_age", home_max_age_s, MORE_LOOSER),
	VALUE("network.portal", portal_allowed, MORE_LOOSER),
	VALUE("network.portal time", portal_ms, MORE_LOOSER),
	VALUE("network.signs.lldp", sign[POLICY_SIGN_LLDP], MORE_TIGHTER),
	VALUE("network.signs.cdp", sign[POLICY_SIGN_CDP], MORE_TIGHTER),
	VALUE("network.signs.dhcp_domain", sign[POLICY_SIGN_DHCP_DOMAIN], MORE_TIGHTER),
	VALUE("network.signs.dhcp_private", sign[POLICY_SIGN_DHCP_PRIVATE], MORE_TIGHTER),
	VALUE("network.signs.dhcp_vendor", sign[POLICY_SIGN_DHCP_VENDOR], MORE_TIGHTER),
	VALUE("network.signs.address", sign[POLICY_SIGN_ADDRESS], MORE_TIGHTER),
	VALUE("network.signs.ra", sign[POLICY_SIGN_RA], MORE_TIGHTER),
	VALUE("network.signs.eapol", sign[POLICY_SIGN_EAPOL], MORE_TIGHTER),
	VALUE("network.signs.vlan", sign[POLICY_SIGN_VLAN], MORE_TIGHTER),
	VALUE("images.pin_min", pin_min, MORE_TIGHTER),
	VALUE("grace", grace_s, MORE_LOOSER),
	VALUE("expires", expires_wall_s, MORE_OTHER),
	VALUE("serial", serial, MORE_OTHER),
#undef VALUE
};

static const struct list {
	const char *key;
	size_t n_at, at, entry_bytes;
	enum more more;
} lists[] = {
#define LIST(key, n, field, more)                                                                  \
	{                                                                                          \
		key, offsetof(struct policy, n), offsetof(struct policy, field),                   \
			sizeof(((struct policy *)0)->field[0]), more                               \
	}
	LIST("network.corporate.prefixes", n_prefixes, prefix, MORE_TIGHTER),
	LIST("network.corporate.dns_suffixes", n_suffixes, suffix, MORE_TIGHTER),
	LIST("network.corporate.lldp_systems", n_systems, system, MORE_TIGHTER),
	LIST("network.sites", n_sites, site, MORE_LOOSER),
	LIST("network.vpn", n_vpn, vpn, MORE_LOOSER),
	LIST("network.tunnel_beacons", n_tunnel_beacons, tunnel_beacon, MORE_LOOSER),
	LIST("network.tls_probes", n_tls, tls, MORE_LOOSER),
	LIST("images.plain", n_plain, plain_sha256, MORE_LOOSER),
#undef LIST
};

static uint64_t read_value(const struct policy *p, size_t at, size_t n_bytes)
{
	uint32_t small;
	uint64_t large;

	if (n_bytes == sizeof(large)) {
		memcpy(&large, (const uint8_t *)p + at, sizeof(large));
		return large;
	}
	memcpy(&small, (const uint8_t *)p + at, sizeof(small));
	return small;
}

static enum policy_change direction(enum more more, bool grows)
{
	if (more == MORE_OTHER)
		return POLICY_OTHER;
	return (more == MORE_LOOSER) == grows ? POLICY_LOOSER : POLICY_TIGHTER;
}

/* How much a verdict opens. */
static unsigned rank(uint64_t verdict)
{
	return verdict == GRANT_VPN		      ? 1
	       : verdict == GRANT_OPEN_LESS_CORPORATE ? 2
	       : verdict == GRANT_OPEN		      ? 3
						      : 0;
}

static bool diff_cell(const struct policy *before, const struct policy *after, unsigned i,
		      struct policy_diff *ret)
{
	enum reason reason;

	*ret = (struct policy_diff){ .kind = POLICY_DIFF_CELL,
				     .zone = i / N_NET_CLASSES,
				     .net_class = i % N_NET_CLASSES };
	ret->before =
		decide_cell(before, (enum net_class)ret->net_class, (enum zone)ret->zone, &reason);
	ret->after =
		decide_cell(after, (enum net_class)ret->net_class, (enum zone)ret->zone, &reason);
	ret->change = rank(ret->after) > rank(ret->before) ? POLICY_LOOSER : POLICY_TIGHTER;
	return ret->before != ret->after;
}

static bool diff_value(const struct policy *before, const struct policy *after,
		       const struct value *v, struct policy_diff *ret)
{
	*ret = (struct policy_diff){ .kind = POLICY_DIFF_VALUE,
				     .what = v->key,
				     .before = read_value(before, v->at, v->n_bytes),
				     .after = read_value(after, v->at, v->n_bytes) };
	ret->change = direction(v->more, ret->after > ret->before);
	return ret->before != ret->after;
}

/* Entries of a that b lacks. */
static unsigned lacking(const struct policy *a, const struct policy *b, const struct list *l)
{
	const uint8_t *in_a = (const uint8_t *)a + l->at, *in_b = (const uint8_t *)b + l->at;
	uint64_t n_a = read_value(a, l->n_at, sizeof(uint32_t));
	uint64_t n_b = read_value(b, l->n_at, sizeof(uint32_t));
	unsigned n = 0;

	for (uint64_t i = 0; i < n_a; i++) {
		bool there = false;

		for (uint64_t k = 0; k < n_b && !there; k++)
			there = memcmp(in_a + i * l->entry_bytes, in_b + k * l->entry_bytes,
				       l->entry_bytes) == 0;
		n += !there;
	}
	return n;
}

static bool diff_list(const struct policy *before, const struct policy *after, const struct list *l,
		      struct policy_diff *ret)
{
	bool looser;

	*ret = (struct policy_diff){ .kind = POLICY_DIFF_LIST,
				     .what = l->key,
				     .before = lacking(before, after, l),
				     .after = lacking(after, before, l) };
	looser = l->more == MORE_LOOSER ? ret->after > 0 : ret->before > 0;
	/* no site named means all of them */
	if (l->n_at == offsetof(struct policy, n_sites) &&
	    (before->n_sites == 0) != (after->n_sites == 0))
		looser = after->n_sites == 0;
	ret->change = looser ? POLICY_LOOSER : POLICY_TIGHTER;
	return ret->before > 0 || ret->after > 0;
}

bool policy_diff_next(const struct policy *before, const struct policy *after, unsigned *at,
		      struct policy_diff *ret)
{
	while (*at < N_CELLS + ARRAY_LEN(values) + ARRAY_LEN(lists)) {
		unsigned i = (*at)++;
		struct policy_diff d;
		bool differs;

		if (i < N_CELLS)
			differs = diff_cell(before, after, i, &d);
		else if (i < N_CELLS + ARRAY_LEN(values))
			differs = diff_value(before, after, &values[i - N_CELLS], &d);
		else
			differs = diff_list(before, after, &lists[i - N_CELLS - ARRAY_LEN(values)],
					    &d);
		if (differs) {
			*ret = d;
			return true;
		}
	}
	return false;
}
