/* grants_diff.h - which parts of the firewall are after a state as they were before it?
 *
 * Pure: values in, values out.
 *
 * A part that nothing ends but a batch of ours is as the last batch left it, as long as nobody else
 * changed the rules: it need not be said again. What ends by itself (grants, and all that has
 * their timeout) is the same only where it was empty, and stays so. */
#ifndef NETGUARD_GRANTS_DIFF_H
#define NETGUARD_GRANTS_DIFF_H

#include <stdbool.h>

#include "base/msg.h"
#include "netguard/pairs.h"

struct grants_diff {  /* true: the part differs, or must be renewed */
	bool timed;   /* the grants, the short way, who asks for names, the clock */
	bool tunnels; /* timed, too, and mostly empty */
	bool pairs;
	bool epoch;
	bool prefixes;
	bool endpoints;
	bool tls;
};

/* Nothing is known of what was before: all of it. */
struct grants_diff grants_diff_all(void);

struct grants_diff grants_diff_of(const struct msg_net_state *before,
				  const struct pairs *pairs_before, const struct msg_net_state *now,
				  const struct pairs *pairs_now);

#endif
