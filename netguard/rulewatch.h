/* rulewatch.h - who else changes the firewall or renames an uplink?
 *
 * The kernel ends each change of a namespace's rules with one message (NFT_MSG_NEWGEN) that carries
 * the netlink port of who sent the change. While our socket is open nobody else has its port, so a
 * change is ours or it is not: no dump and no comparison is needed to know. Messages that were
 * lost count as a foreign change. Links are watched beside: a rename is no change of rules, and takes
 * the egress chain's device from under it (kernel 6.1 moves the chain, 6.18 unbinds it). */
#ifndef NETGUARD_RULEWATCH_H
#define NETGUARD_RULEWATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "netguard/ruleset.h"

struct rulewatch;

/* Who, as far as the kernel tells: both empty when messages were lost, or a link was renamed. */
struct rulewatch_who {
	uint32_t pid; /* in the machine's first pid namespace; 0: not told */
	char process[MSG_PROCESS_BYTES];
	char link[MSG_IFNAME_BYTES]; /* the new name of an uplink; "": rules were changed */
	char xdp[MSG_NAME_BYTES];    /* for its finder, roles/nft_xdp.h: not set here */
};

/* Hear from now on. Needs CAP_NET_ADMIN for the size of its buffer. *ret is owned by the caller. */
int rulewatch_new(struct rulewatch **ret);
void rulewatch_free(struct rulewatch *watch);

/* To wait on; both of them. */
int rulewatch_rules_fd(const struct rulewatch *watch);
int rulewatch_links_fd(const struct rulewatch *watch);

/* Read what is there, up to a foreign change. own_port: the netlink port of our changes.
 * 0: only ours. -EPERM: somebody else's, *ret says whose. -ENOBUFS: messages were lost. Other
 * negative errno: the socket is broken. */
int rulewatch_rules(struct rulewatch *watch, uint32_t own_port, struct rulewatch_who *ret);

/* The same when exactly one change was made, by a port that we do not know: 0, or -EPERM when there
 * was none, or more. */
int rulewatch_rules_once(struct rulewatch *watch);

/* The kernel's number of the last change, as long as rulewatch_rules() heard of ours alone; 0: none
 * was heard, or one of somebody else, or messages were lost. */
uint32_t rulewatch_generation(const struct rulewatch *watch);

/* 0: the links of the ruleset still have their names, or are gone.
 * -EPERM: one was renamed. -ENOBUFS as above. */
int rulewatch_links(struct rulewatch *watch, const struct ruleset *ruleset,
		    struct rulewatch_who *ret);

#endif
