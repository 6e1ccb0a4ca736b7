#include "netguard/prefix.h"

#include <string.h>

#include <sys/socket.h>

#include "base/util.h"

enum { V4_BYTES = 4, V6_BYTES = 16 };

static unsigned family_bytes(uint32_t family)
{
	return family == AF_INET ? V4_BYTES : V6_BYTES;
}

bool prefix_ok(const struct msg_prefix *prefix)
{
	if (prefix->family != AF_INET && prefix->family != AF_INET6)
		return false;
	if (prefix->len_bits > family_bytes(prefix->family) * 8)
		return false;
	for (unsigned bit = prefix->len_bits; bit < V6_BYTES * 8; bit++)
		if (prefix->address[bit / 8] & 0x80u >> bit % 8)
			return false;
	return true;
}

bool prefix_meets(const struct msg_prefix *prefix, uint32_t family, const uint8_t *address,
		  uint32_t len_bits)
{
	uint32_t bits = MIN(prefix->len_bits, len_bits);

	if (!prefix_ok(prefix) || prefix->family != family || len_bits > family_bytes(family) * 8)
		return false;
	for (uint32_t bit = 0; bit < bits; bit++)
		if ((prefix->address[bit / 8] ^ address[bit / 8]) & 0x80u >> bit % 8)
			return false;
	return true;
}

/* All addresses that share the first len_bits of address. */
static struct prefix_range range_of(const uint8_t *address, unsigned len_bits, unsigned n_bytes)
{
	struct prefix_range r = { 0 };

	memcpy(r.first, address, n_bytes);
	memcpy(r.last, address, n_bytes);
	for (unsigned bit = len_bits; bit < n_bytes * 8; bit++)
		r.last[bit / 8] |= (uint8_t)(0x80u >> bit % 8);
	return r;
}

/* Insertion by first address: at most a few hundred, and no heap. */
static void insert(struct prefix_range *list, unsigned *n, struct prefix_range new)
{
	unsigned at = *n;

	for (; at > 0 && memcmp(list[at - 1].first, new.first, V6_BYTES) > 0; at--)
		list[at] = list[at - 1];
	list[at] = new;
	(*n)++;
}

/* Does b begin inside a, or right behind its end? */
static bool touches(const struct prefix_range *a, const struct prefix_range *b, unsigned n_bytes)
{
	uint8_t next[V6_BYTES];

	if (memcmp(b->first, a->last, n_bytes) <= 0)
		return true;
	memcpy(next, a->last, sizeof(next));
	for (unsigned i = n_bytes; i > 0 && ++next[i - 1] == 0; i--)
		;
	return memcmp(b->first, next, n_bytes) == 0;
}

/* The kernel refuses overlapping intervals, and merges none by itself. */
static unsigned merge(struct prefix_range *list, unsigned n, unsigned n_bytes)
{
	unsigned out = 0;

	for (unsigned i = 1; i < n; i++) {
		if (!touches(&list[out], &list[i], n_bytes))
			list[++out] = list[i];
		else if (memcmp(list[i].last, list[out].last, n_bytes) > 0)
			memcpy(list[out].last, list[i].last, sizeof(list[i].last));
	}
	return n ? out + 1 : 0;
}

static void insert_translated(struct prefix_ranges *out, const struct msg_prefix *prefix)
{
	static const uint8_t well_known[12] = { 0x00, 0x64, 0xff, 0x9b };
	uint8_t nat64[V6_BYTES] = { 0 }, six_to_four[V6_BYTES] = { 0x20, 0x02 };

	memcpy(nat64, well_known, sizeof(well_known));
	memcpy(nat64 + 12, prefix->address, V4_BYTES);
	memcpy(six_to_four + 2, prefix->address, V4_BYTES);
	insert(out->v6, &out->n6, range_of(nat64, 96 + prefix->len_bits, V6_BYTES));
	insert(out->v6, &out->n6, range_of(six_to_four, 16 + prefix->len_bits, V6_BYTES));
}

void prefix_ranges_build(const struct msg_prefix *prefix, unsigned n, struct prefix_ranges *ret)
{
	static const struct {
		uint8_t address[V6_BYTES];
		unsigned len_bits;
	} whole[] = { { { 0x00, 0x64, 0xff, 0x9b, 0x00, 0x01 }, 48 }, /* a local translator */
		      { { 0x20, 0x01 }, 32 },			      /* Teredo */
		      { { 0 }, 64 } };				      /* IPv4 by other names */

	n = MIN(n, (unsigned)MSG_PREFIXES);
	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < n; i++) {
		unsigned n_bytes = family_bytes(prefix[i].family);
		struct prefix_range r = range_of(prefix[i].address, prefix[i].len_bits, n_bytes);

		if (n_bytes == V6_BYTES) {
			insert(ret->v6, &ret->n6, r);
			continue;
		}
		insert(ret->v4, &ret->n4, r);
		insert_translated(ret, &prefix[i]);
	}
	for (size_t i = 0; i < ARRAY_LEN(whole) && ret->n4 > 0; i++)
		insert(ret->v6, &ret->n6, range_of(whole[i].address, whole[i].len_bits, V6_BYTES));
	ret->n4 = merge(ret->v4, ret->n4, V4_BYTES);
	ret->n6 = merge(ret->v6, ret->n6, V6_BYTES);
}
