/* nft_sysctl.h - the kernel's switches that the rules rely on.
 *
 * bulkhead-netns sets them when it makes the namespace and moves a link in; nft reads them before
 * it opens anything, since a router that believes redirects or answers for another link's
 * addresses leaks beside every rule. */
#ifndef ROLES_NFT_SYSCTL_H
#define ROLES_NFT_SYSCTL_H

#include <stdint.h>

#include "netguard/ruleset.h"

/* Every switch of the namespace and of the ruleset's uplinks; ends the process at a wrong one. */
void nft_sysctl_demand(const struct ruleset *ruleset);

/* How many flows the kernel tracks at most, in all namespaces together; 0 when it does not say. */
uint32_t nft_sysctl_flows_max(void);

#endif
