/* classify_net.h - which addresses and gateways an uplink has, and whether a change is news.
 *
 * Pure: two small tables. rtnetlink repeats itself (each router advertisement refreshes), and a
 * further address of a known network says nothing new; only a network gained or lost does. */
#ifndef NETGUARD_CLASSIFY_NET_H
#define NETGUARD_CLASSIFY_NET_H

#include <stdbool.h>
#include <stdint.h>

enum { CLASSIFY_NET_MAX = 32 };

struct classify_address {
	bool gained;
	uint8_t family; /* AF_INET or AF_INET6 */
	uint8_t length_bits;
	uint8_t address[16]; /* network order; IPv4 in the first four bytes, the rest zero */
};

struct classify_net {
	uint32_t n;
	struct classify_address item[CLASSIFY_NET_MAX];
};

/* Enter or remove an address of ours. True when it is news: any IPv4 address, the first or last
 * of an IPv6 network. Link-local IPv6 never is. A full table makes every gain news. */
bool classify_net_address(struct classify_net *net, const struct classify_address *a);

/* The same for the next hop of a default route: every gain and loss is news. */
bool classify_net_gateway(struct classify_net *net, const struct classify_address *a);

#endif
