/* classify_exchange.h - what the network has answered on this link: leases, routers, their MACs.
 *
 * Pure: tables of fixed size. An exchange is complete when the network has told us, on this very
 * link, how to be on it: a DHCPv4 ACK for our own MAC, or a router advertisement with a lifetime
 * and either an address of ours inside one of its prefixes or, where it says so, a DHCPv6 reply.
 * Whatever is told twice and differently is news; a full table makes everything unknown news. */
#ifndef NETGUARD_CLASSIFY_EXCHANGE_H
#define NETGUARD_CLASSIFY_EXCHANGE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

#include "netguard/classify_net.h"

enum { CLASSIFY_ROUTERS = 4, CLASSIFY_GATEWAYS = 4 };

struct classify_router {
	uint64_t until_boot_ms; /* 0: not a default router (any more) */
	struct msg_ra ra;
};

struct classify_exchange {
	bool dhcp_done; /* an ACK for our MAC: */
	uint64_t dhcp_until_boot_ms;
	struct msg_dhcp4 dhcp;
	bool dhcp6_done; /* a reply to our MAC: */
	struct msg_dhcp6 dhcp6;
	uint32_t n_routers;
	struct classify_router router[CLASSIFY_ROUTERS];
	uint32_t n_gateways; /* of routers that one of the above named */
	struct msg_gateway gateway[CLASSIFY_GATEWAYS];
};

enum classify_news {
	CLASSIFY_NEWS_NONE,  /* not for us, or as before */
	CLASSIFY_NEWS_FIRST, /* never told before; contradicts nothing */
	CLASSIFY_NEWS_OTHER, /* differs from what was told before */
};

/* Take a claim of any kind that was heard at this time. own_mac: of the uplink. */
enum classify_news classify_exchange_take(struct classify_exchange *x,
					  const struct msg_claim *claim, const uint8_t own_mac[6],
					  uint64_t at_boot_ms);

/* Is an exchange complete? addresses: ours on this link. */
bool classify_exchange_done(const struct classify_exchange *x,
			    const struct classify_net *addresses);

/* Did the exchange itself announce this address of ours, this default gateway? Then their coming
 * says nothing new. */
bool classify_exchange_named_address(const struct classify_exchange *x,
				     const struct classify_address *a);
bool classify_exchange_named_gateway(const struct classify_exchange *x,
				     const struct classify_address *g);

/* The MAC of the router that the lease names: as it answered, or the server's own where they are
 * the same host. False: not known. */
bool classify_exchange_gateway_mac(const struct classify_exchange *x, uint8_t ret[6]);

/* Leases and routers end by time; and when the next one does. */
void classify_exchange_expire(struct classify_exchange *x, uint64_t now_boot_ms);
uint64_t classify_exchange_wake(const struct classify_exchange *x);

#endif
