/* pairs.h - the conntrack mark of each (port, uplink) pair that holds a grant.
 *
 * Pure: values in, values out.
 *
 * A pair keeps its mark while it is granted without a break, and gets a new one when it is granted
 * again after a time without, or to fewer places than before (other corporate prefixes may be
 * fewer): flows that ended with a wider grant never come back to life, not even when it does. */
#ifndef NETGUARD_PAIRS_H
#define NETGUARD_PAIRS_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

enum {
	PAIRS_MAX = MSG_GRANTS,
	PAIRS_CLASS_SHIFT = 24, /* a mark is (class + 1) << 24 | number of the pair */
};

/* Laid out as the kernel's keys: (ifname . ifname . mark), and before it (ifname . ifname). */
struct pairs_key {
	char port[MSG_IFNAME_BYTES];
	char uplink[MSG_IFNAME_BYTES];
	uint32_t mark;
};
enum { PAIRS_NAMES_BYTES = offsetof(struct pairs_key, mark) };

struct pairs {
	uint32_t next_number; /* 0 before the first pair */
	unsigned n;
	struct pairs_key pair[PAIRS_MAX];
	uint32_t verdict[PAIRS_MAX]; /* of each, enum grant_verdict */
	uint32_t n_prefixes;	     /* that GRANT_OPEN_LESS_CORPORATE left out */
	struct msg_prefix prefix[MSG_PREFIXES];
};

struct pairs_dead {
	unsigned n;
	uint32_t mark[PAIRS_MAX];
};

/* The pairs of a checked state, after those of the state before; the marks that ended with it. */
void pairs_next(const struct pairs *before, const struct msg_net_state *state, struct pairs *ret,
		struct pairs_dead *ret_dead);

/* The two names, padded with zeros. */
struct pairs_key pairs_key_of(const char *port, const char *uplink);

#endif
