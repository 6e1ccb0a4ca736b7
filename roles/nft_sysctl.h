/* nft_sysctl.h - the kernel's switches that the rules rely on.
 *
 * bulkhead-netns sets them when it makes the namespace and moves a link in; nft reads them before
 * it opens anything, and again while it runs, since a router that believes redirects or answers for
 * another link's addresses leaks beside every rule. */
#ifndef ROLES_NFT_SYSCTL_H
#define ROLES_NFT_SYSCTL_H

#include <stdint.h>

#include "netguard/ruleset.h"

enum {
	NFT_SYSCTL_FDS_MAX = 32 + 8 * MSG_UPLINKS,
	NFT_SYSCTL_LOOK_MS = 16000, /* no event tells of most of them */
	NFT_SYSCTL_LATE_MS = 4000,  /* at most: it waits for the next renewal of the grants */
};

struct nft_sysctl_kept {
	int fd;		   /* open since before the sandbox */
	const char *value; /* what it must be */
	char name[96];	   /* below /proc/sys/net */
};

struct nft_sysctl {
	unsigned n;
	struct nft_sysctl_kept kept[NFT_SYSCTL_FDS_MAX];
};

/* Every switch of the namespace and of the ruleset's uplinks; ends the process at a wrong one. They
 * stay open, for nft_sysctl_look(). */
void nft_sysctl_demand(struct nft_sysctl *s, const struct ruleset *ruleset);

/* Look at all of them again, and set the first wrong one right: its name, and whether that went well
 * (negative errno: it is still wrong, or gone). NULL: all are right. */
const char *nft_sysctl_look(const struct nft_sysctl *s, int *ret_error);

/* How many flows the kernel tracks at most, in all namespaces together; 0 when it does not say. */
uint32_t nft_sysctl_flows_max(void);

#endif
