/* ruleset_local.h - the rules for what netguard itself takes and says. A part of ruleset.h.
 *
 * Pure: input, output, and what may leave an uplink at all. */
#ifndef NETGUARD_RULESET_LOCAL_H
#define NETGUARD_RULESET_LOCAL_H

#include "netguard/ruleset.h"
#include "netguard/ruleset_text.h"

/* Into the inet table. */
void ruleset_local_add(struct ruleset_text *t, const struct ruleset *r);

/* Into the netdev table: the egress chain of the i-th uplink; of one that is a tunnel. */
void ruleset_local_egress(struct ruleset_text *t, const struct ruleset *r, unsigned i);
void ruleset_local_egress_tunnel(struct ruleset_text *t, const struct ruleset *r, unsigned i);

#endif
