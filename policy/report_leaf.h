/* report_leaf.h - the sessions of a disk's writable layer, as its unlocks tell them.
 *
 * Pure. Each unlock's record says which session was the layer's last. The number grows with every session that
 * writes, and begins anew only with another layer, key or MAC, each of which is on record: where it is lower
 * than before, the layer of an earlier day was put in its place (SECURITY.md). */
#ifndef POLICY_REPORT_LEAF_H
#define POLICY_REPORT_LEAF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

struct report_leaf {
	char lease[MSG_NAME_BYTES]; /* of the last unlock: another check-out is another layer */
	uint64_t session;	    /* 0: none since it began anew */
	uint64_t n_put_back;
	uint64_t n_unclean; /* unlocks of a layer that was not closed cleanly */
};

/* The next record about this disk: of unlocks, work, layers; others are nothing. */
void report_leaf_take(struct report_leaf *leaf, const struct msg_audit *record);

#endif
