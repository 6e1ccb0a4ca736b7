#include "netguard/resolvers.h"

#include <string.h>
#include <sys/socket.h>

#include "base/util.h"
#include "netguard/prefix.h"

enum { DHCP4_ACK = 5, DHCP6_REPLY = 7 }; /* RFC 2132 9.6, RFC 8415 7.3 */

static uint32_t family_of(enum resolvers_source source)
{
	return source == RESOLVERS_DHCP4 ? AF_INET : AF_INET6;
}

static bool usable4(const uint8_t a[16])
{
	bool ours = a[0] == 100 && a[1] == 64 && a[2] == 0; /* the ports, bulkhead-netns */

	return a[0] != 0 && a[0] != 127 && a[0] < 224 && !ours;
}

static bool usable6(const uint8_t a[16])
{
	static const uint8_t ports[6] = { 0xfd, 0x62, 0x75, 0x6c, 0x6b, 0x00 }; /* bulkhead-netns */
	static const uint8_t zero[10];

	/* multicast; unspecified, loopback, and IPv4 in another dress (RFC 4291 2.5.5) */
	return a[0] != 0xff && memcmp(a, zero, sizeof(zero)) != 0 &&
	       memcmp(a, ports, sizeof(ports)) != 0;
}

static void keep(struct resolvers *r, enum resolvers_source source, const void *addresses,
		 uint32_t n, size_t stride_bytes)
{
	for (uint32_t i = 0; i < n && r->of[source].n < RESOLVERS_OF_ONE; i++) {
		uint8_t a[16] = { 0 };

		memcpy(a, (const uint8_t *)addresses + i * stride_bytes, stride_bytes);
		if (family_of(source) == AF_INET ? usable4(a) : usable6(a))
			memcpy(r->of[source].address[r->of[source].n++], a, sizeof(a));
	}
}

bool resolvers_claim(struct resolvers *resolvers, const struct msg_claim *claim,
		     const uint8_t own_mac[6])
{
	struct resolvers next = *resolvers;
	enum resolvers_source source;

	if (claim->kind == SIGN_DHCP4 && claim->dhcp4.message_type == DHCP4_ACK &&
	    memcmp(claim->dhcp4.client_mac, own_mac, 6) == 0)
		source = RESOLVERS_DHCP4;
	else if (claim->kind == SIGN_RA && claim->ra.n_resolvers > 0)
		source = RESOLVERS_RA;
	else if (claim->kind == SIGN_DHCP6 && claim->dhcp6.message_type == DHCP6_REPLY &&
		 memcmp(claim->dhcp6.client_mac, own_mac, 6) == 0)
		source = RESOLVERS_DHCP6;
	else
		return false;
	memset(&next.of[source], 0, sizeof(next.of[source]));
	if (source == RESOLVERS_DHCP4)
		keep(&next, source, claim->dhcp4.dns,
		     MIN(claim->dhcp4.n_dns, (uint32_t)ARRAY_LEN(claim->dhcp4.dns)), 4);
	else if (source == RESOLVERS_RA)
		keep(&next, source, claim->ra.resolver,
		     MIN(claim->ra.n_resolvers, (uint32_t)MSG_RA_RESOLVERS), 16);
	else
		keep(&next, source, claim->dhcp6.resolver,
		     MIN(claim->dhcp6.n_resolvers, (uint32_t)MSG_DHCP6_RESOLVERS), 16);
	if (memcmp(&next, resolvers, sizeof(next)) == 0)
		return false;
	*resolvers = next;
	return true;
}

static bool inside(const struct prefix_ranges *ranges, uint32_t family, const uint8_t *address)
{
	const struct prefix_range *range = family == AF_INET ? ranges->v4 : ranges->v6;
	unsigned n = family == AF_INET ? ranges->n4 : ranges->n6;
	size_t bytes = family == AF_INET ? 4 : 16;

	for (unsigned i = 0; i < n; i++)
		if (memcmp(address, range[i].first, bytes) >= 0 &&
		    memcmp(address, range[i].last, bytes) <= 0)
			return true;
	return false;
}

static bool known(const struct msg_dns *dns, const struct msg_resolver *r)
{
	for (uint32_t i = 0; i < dns->n_resolvers; i++)
		if (memcmp(&dns->resolver[i], r, sizeof(*r)) == 0)
			return true;
	return false;
}

void resolvers_add(const struct resolvers *resolvers, const char *ifname,
		   const struct msg_prefix *prefix, uint32_t n_prefixes, struct msg_dns *dns)
{
	struct prefix_ranges ranges;

	prefix_ranges_build(prefix, n_prefixes, &ranges);
	for (unsigned s = 0; s < N_RESOLVERS_SOURCES; s++)
		for (uint32_t i = 0; i < resolvers->of[s].n; i++) {
			struct msg_resolver r = { .family = family_of(s) };

			memcpy(r.ifname, ifname, strnlen(ifname, sizeof(r.ifname) - 1));
			memcpy(r.address, resolvers->of[s].address[i], sizeof(r.address));
			if (dns->n_resolvers < MSG_RESOLVERS &&
			    !inside(&ranges, r.family, r.address) && !known(dns, &r))
				dns->resolver[dns->n_resolvers++] = r;
		}
}
