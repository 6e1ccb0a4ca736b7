/* netstate.h - is a desired state one that the kernel may be given?
 *
 * Pure: values in, values out.
 *
 * `nft` obeys `decide`, but only within this: pairs of a port and one of the uplinks whose egress
 * chain stands, permission that ends by itself soon, ranges of every number. */
#ifndef NETGUARD_NETSTATE_H
#define NETGUARD_NETSTATE_H

#include "base/msg.h"
#include "netguard/ruleset.h"

/* Twice what decide asks for (5 s): the longest that a dead decide can leave a path open. */
enum { NETSTATE_TIMEOUT_MAX_MS = 10000 };

/* 0: may be applied. -ENODEV: well-formed, but a grant names no uplink of the ruleset (one that
 * came or went: the sender does not know yet). -EPROTO: the sender broke the contract. */
int netstate_check(const struct msg_net_state *state, const struct ruleset *ruleset);

#endif
