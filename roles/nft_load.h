/* nft_load.h - the static rules go into the kernel, by libnftables: nft's start, and the boot step.
 *
 * libnftables opens what it needs lazily and speaks a language; so it is used here, before the
 * sandbox, with text of our own making, and never after. */
#ifndef ROLES_NFT_LOAD_H
#define ROLES_NFT_LOAD_H

#include "netguard/linkctl.h"
#include "netguard/ruleset.h"

/* The uplink goes into *ruleset if it is there. Ends the process
 * at a name that is none. */
void nft_load_find(struct ruleset *ruleset, struct linkctl *links, const char *ifname,
		   uint32_t kind);

/* Replace all rules of this namespace; ends the process when that fails. */
void nft_load(const struct ruleset *ruleset);

/* bulkhead-nft closed [UPLINK...]: load the rules without a grant and end. Nobody has to run for
 * them to hold. */
int nft_load_closed(int argc, char **argv);

#endif
