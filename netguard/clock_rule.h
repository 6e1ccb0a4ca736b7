/* clock_rule.h - the rule that ends what it leads to at a time of the wall clock:
 * "meta time < BOUND meta mark set MARK goto CHAIN".
 *
 * jiffies, which end the timeout of an element, stand still in suspend; the wall clock does not. */
#ifndef NETGUARD_CLOCK_RULE_H
#define NETGUARD_CLOCK_RULE_H

#include <stdint.h>

struct nftnl_rule;

/* Add the expressions to rule. 0 or -ENOMEM. */
int clock_rule_build(struct nftnl_rule *rule, uint64_t wall_bound_s, uint32_t mark,
		     const char *chain);

#endif
