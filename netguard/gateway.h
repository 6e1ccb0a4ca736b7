/* gateway.h - which MAC the routers of an uplink have, told only when that is news.
 *
 * Pure: values in, values out; one struct gateway per uplink, all zeros at its start. A busy LAN
 * is full of ARP; only what concerns a router that DHCP or an RA has named passes, and only when
 * its MAC is first learnt after that, or changes. Naming it anew arms it again: the same router
 * may then stand behind another cable. */
#ifndef NETGUARD_GATEWAY_H
#define NETGUARD_GATEWAY_H

#include <stdbool.h>

#include "base/msg.h"

enum { GATEWAY_ROUTERS = 8 }; /* of one uplink; the one named longest ago gives way */

struct gateway_router {
	struct msg_gateway at; /* family 0: free; no MAC: not learnt */
	uint64_t named;	       /* order of naming */
};

struct gateway {
	uint64_t n_named;
	struct gateway_router router[GATEWAY_ROUTERS];
};

/* Take any claim of sniff. Of SIGN_DHCP4 an ACK names a router, of SIGN_RA one that offers itself,
 * with its MAC; SIGN_GATEWAY is what ARP or neighbour discovery says of anybody.
 * True when *ret, a SIGN_GATEWAY, is to be told; else *ret is untouched. */
bool gateway_take(struct gateway *g, const struct msg_claim *claim, struct msg_claim *ret);

/* That claim was not delivered: what it said is news again. */
void gateway_untold(struct gateway *g, const struct msg_gateway *at);

#endif
