/* prefix.h - corporate prefixes as the disjoint address ranges that a kernel interval set takes.
 *
 * Pure: values in, values out.
 *
 * Personal must not reach a corporate IPv4 network by a detour through IPv6, so each IPv4 prefix
 * also yields its translated forms: 64:ff9b::/96 (RFC 6052 2.1) and 6to4, 2002::/16 (RFC 3056 2);
 * and as soon as there is one IPv4 prefix, what cannot be mapped is closed as a whole:
 * 64:ff9b:1::/48 (RFC 8215: a local translator may sit anywhere in it), Teredo's 2001::/32 (RFC 4380
 * 2.6: the address stands at its end), and ::/64, where IPv4 hides as mapped, compatible or
 * translated (RFC 4291 2.5.5, RFC 7915 9). ISATAP hides it in any prefix: the ruleset sees to that.
 * A translator under a prefix of the network's own choice (RFC 6052 2.2) is not known here. */
#ifndef NETGUARD_PREFIX_H
#define NETGUARD_PREFIX_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

struct prefix_range { /* inclusive; the first four bytes count for IPv4 */
	uint8_t first[16];
	uint8_t last[16];
};

enum { PREFIX_RANGES4 = MSG_PREFIXES, PREFIX_RANGES6 = 2 * MSG_PREFIXES + 3 };

struct prefix_ranges { /* ascending, neither overlapping nor touching */
	unsigned n4;
	unsigned n6;
	struct prefix_range v4[PREFIX_RANGES4];
	struct prefix_range v6[PREFIX_RANGES6];
};

/* Family known, length inside it, and neither host bits nor bytes beyond the family set. */
bool prefix_ok(const struct msg_prefix *prefix);

/* Do the first len_bits of that address lie inside the prefix, or the prefix inside them? An address
 * has 32 or 128 bits. False for another family, and for a prefix that is not prefix_ok(). */
bool prefix_meets(const struct msg_prefix *prefix, uint32_t family, const uint8_t *address,
		  uint32_t len_bits);

/* n prefixes, each prefix_ok(), at most MSG_PREFIXES. */
void prefix_ranges_build(const struct msg_prefix *prefix, unsigned n, struct prefix_ranges *ret);

#endif
