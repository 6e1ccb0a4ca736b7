/* nft_xdp.h - what sends past every rule: AF_XDP sockets, and XDP programs on an uplink.
 *
 * Neither meets a hook of nftables, and no event tells of a socket. In this namespace nobody has a use
 * for either, so one is enough to close. Sockets are counted by /proc/net/protocols, which every
 * kernel with AF_XDP has (its sock_diag module is missing in many) and which needs no privilege. */
#ifndef ROLES_NFT_XDP_H
#define ROLES_NFT_XDP_H

#include <stdbool.h>
#include <stdint.h>

#include "netguard/linkctl.h"
#include "netguard/ruleset.h"

enum { NFT_XDP_LOOK_MS = 1000 }; /* at most so often: whatever wakes us is a reason to look */

struct nft_xdp {
	int fd; /* of the namespace's list; since before the sandbox */
	uint64_t next_boot_ms;
};

/* Ends the process where the list cannot be read. */
void nft_xdp_open(struct nft_xdp *x);

/* NULL: there is none. Else what was found, for people: "a socket", or "a program on 'NAME'". Ends the
 * process when it cannot know. */
const char *nft_xdp_look(const struct nft_xdp *x, struct linkctl *links,
			 const struct ruleset *ruleset, char ret[MSG_NAME_BYTES]);

#endif
