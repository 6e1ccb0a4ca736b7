/* policy_diff.h - what one policy changes against another, and in which direction.
 *
 * Pure: two policies in, differences out. The cells come from policy/decide.h, the function that
 * decides. Where something becomes looser and something tighter, it is called looser. */
#ifndef POLICY_POLICY_DIFF_H
#define POLICY_POLICY_DIFF_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/policy_doc.h"

enum policy_change { POLICY_TIGHTER = 1, POLICY_LOOSER, POLICY_OTHER };

enum policy_diff_kind { POLICY_DIFF_CELL = 1, POLICY_DIFF_VALUE, POLICY_DIFF_LIST };

struct policy_diff {
	enum policy_diff_kind kind;
	enum policy_change change;
	const char *what;	  /* the key of the schema; of a cell NULL */
	uint32_t zone, net_class; /* of a cell */
	uint64_t before, after; /* enum grant_verdict; value; entries that are gone, that are new */
};

/* The next difference, cells first; *at begins at 0. False: no more. */
bool policy_diff_next(const struct policy *before, const struct policy *after, unsigned *at,
		      struct policy_diff *ret);

#endif
