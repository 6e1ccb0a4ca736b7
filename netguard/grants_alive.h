/* grants_alive.h - the short way of a flow that is established on a pair with an open grant.
 *
 * The set `alive` holds (direction, in, out, mark) with the grant's own timeout, for grants that are
 * open to all places: where a flow goes was judged when it began, and stays. Narrower grants
 * judge every packet. By index, not by name: whoever takes a link's name has no flow on it. */
#ifndef NETGUARD_GRANTS_ALIVE_H
#define NETGUARD_GRANTS_ALIVE_H

#include "netguard/batch.h"
#include "netguard/pairs.h"

enum { GRANTS_LINKS = MSG_UPLINKS + MSG_PORTS };

/* Which link has which name: what the caller found for the uplinks and ports of a state. */
struct grants_links {
	unsigned n;
	struct {
		char ifname[MSG_IFNAME_BYTES];
		uint32_t ifindex;
	} link[GRANTS_LINKS];
};

/* Its index; 0 when it is not among them. */
uint32_t grants_alive_index(const struct grants_links *links, const char *ifname);

/* A grant whose link has no index gets no short way. */
void grants_alive_put(struct batch *b, const struct msg_net_state *state, const struct pairs *pairs,
		      const struct grants_links *links);

#endif
