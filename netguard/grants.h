/* grants.h - the one change made to the firewall at run time: to the whole state, in one batch.
 *
 * A batch empties and refills what ruleset.h leaves open: the grants with their timeouts, the marks of
 * the pairs and the short way of their flows, whose resolver may be asked and may ask, the corporate
 * prefixes, the wall-clock bound, and the epoch that the egress chains let out. The kernel takes all of
 * it or none. Elements are flushed and added, never deleted (an expired one would fail the batch) and
 * never added again to renew them (that succeeds and renews nothing). What the kernel has already is
 * left out, but only on its own word, within the batch, that no change came after the last one of ours:
 * else it gets everything. */
#ifndef NETGUARD_GRANTS_H
#define NETGUARD_GRANTS_H

#include <stdint.h>

#include "base/msg.h"
#include "netguard/grants_alive.h"
#include "netguard/pairs.h"

struct grants;

/* Opens an nfnetlink socket. uid_dns: the resolver of each class. The kernel checks CAP_NET_ADMIN when
 * it is used: keep it. *ret is owned by the caller: grants_free(). Errors: -ENOMEM, or what socket(2)
 * said. */
int grants_new(const uint32_t uid_dns[N_NET_CLASSES], struct grants **ret);
void grants_free(struct grants *grants);

/* The netlink port that our changes come from, for rulewatch.h. */
uint32_t grants_port(const struct grants *grants);

/* Replace the state in the kernel; state must have passed netstate_check(). links: of its grants.
 * generation: of the last change, after which nobody but this made one (rulewatch.h); 0: not known.
 * Errors: -ENOENT a table, set or chain of ours is not there: load the ruleset anew; any other: the
 * kernel refused, the old state stands and will expire. *ret_dead: the marks of pairs that lost
 * their grant, whose flows are to be deleted (linkctl_delete_flows). */
int grants_apply(struct grants *grants, const struct msg_net_state *state,
		 const struct grants_links *links, uint32_t generation,
		 struct pairs_dead *ret_dead);

/* Do the egress chains of the first n_uplinks stand? Kernel 6.1 takes the chain away with its
 * device. 0, or -ENOENT. */
int grants_check_egress(struct grants *grants, unsigned n_uplinks);

#endif
