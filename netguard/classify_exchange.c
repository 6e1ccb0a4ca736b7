#include "netguard/classify_exchange.h"

#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

enum {
	DHCP4_ACK = 5, /* RFC 2132 9.6 */
	DHCP4_NAK = 6,
	DHCP6_REPLY = 7, /* RFC 8415 7.3 */
	RA_MANAGED_OR_OTHER = 0xc0,
};

#define FOREVER		 UINT64_MAX
#define LEASE_INFINITE_S UINT32_MAX /* RFC 2131 3.3 */

static bool dhcp4_same(const struct msg_dhcp4 *a, const struct msg_dhcp4 *b)
{
	return a->your_addr == b->your_addr && a->netmask == b->netmask && a->router == b->router &&
	       a->server_id == b->server_id && a->n_dns == b->n_dns &&
	       memcmp(a->dns, b->dns, sizeof(a->dns)) == 0 &&
	       memcmp(a->domain, b->domain, sizeof(a->domain)) == 0 &&
	       memcmp(a->search, b->search, sizeof(a->search)) == 0 &&
	       memcmp(a->server_mac, b->server_mac, sizeof(a->server_mac)) == 0;
}

static void forget_gateways(struct classify_exchange *x, uint32_t family)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < x->n_gateways; i++)
		if (x->gateway[i].family != family)
			x->gateway[n++] = x->gateway[i];
	x->n_gateways = n;
}

static enum classify_news take_dhcp4(struct classify_exchange *x, const struct msg_dhcp4 *d,
				     const uint8_t own_mac[6], uint64_t at)
{
	bool before = x->dhcp_done;
	bool same = before && dhcp4_same(&x->dhcp, d);

	if (memcmp(d->client_mac, own_mac, sizeof(d->client_mac)) != 0)
		return CLASSIFY_NEWS_NONE;  /* a neighbour's */
	if (d->message_type == DHCP4_NAK) { /* what we asked for is not of this network */
		x->dhcp_done = false;
		return CLASSIFY_NEWS_OTHER;
	}
	if (d->message_type != DHCP4_ACK || d->your_addr == 0)
		return CLASSIFY_NEWS_NONE;
	x->dhcp_done = true;
	x->dhcp = *d;
	x->dhcp_until_boot_ms =
		d->lease_s == LEASE_INFINITE_S ? FOREVER : at + (uint64_t)d->lease_s * 1000;
	if (!same)
		forget_gateways(x, AF_INET);
	if (!before)
		return CLASSIFY_NEWS_FIRST;
	return same ? CLASSIFY_NEWS_NONE : CLASSIFY_NEWS_OTHER;
}

/* Lifetimes may count down (RFC 4861 6.2.1); only their end says something. */
static bool prefix_same(const struct msg_ra_prefix *a, const struct msg_ra_prefix *b)
{
	return a->len_bits == b->len_bits && a->flags == b->flags &&
	       (a->valid_s == 0) == (b->valid_s == 0) &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static bool ra_same(const struct msg_ra *a, const struct msg_ra *b)
{
	if (memcmp(a->router_mac, b->router_mac, sizeof(a->router_mac)) != 0 ||
	    (a->lifetime_s == 0) != (b->lifetime_s == 0) || a->flags != b->flags ||
	    a->n_prefixes != b->n_prefixes || a->n_resolvers != b->n_resolvers ||
	    a->cut != b->cut || memcmp(a->resolver, b->resolver, sizeof(a->resolver)) != 0 ||
	    memcmp(a->search, b->search, sizeof(a->search)) != 0 ||
	    memcmp(a->pvd, b->pvd, sizeof(a->pvd)) != 0)
		return false;
	for (uint32_t i = 0; i < a->n_prefixes && i < MSG_RA_PREFIXES; i++)
		if (!prefix_same(&a->prefix[i], &b->prefix[i]))
			return false;
	return true;
}

static struct classify_router *find_router(struct classify_exchange *x, const uint8_t router[16])
{
	for (uint32_t i = 0; i < x->n_routers; i++)
		if (memcmp(x->router[i].ra.router, router, sizeof(x->router[i].ra.router)) == 0)
			return &x->router[i];
	return NULL;
}

static enum classify_news take_ra(struct classify_exchange *x, const struct msg_ra *ra, uint64_t at)
{
	struct classify_router *r = find_router(x, ra->router);
	enum classify_news news = CLASSIFY_NEWS_NONE;

	if (!r && x->n_routers == CLASSIFY_ROUTERS)
		return CLASSIFY_NEWS_OTHER;
	if (!r) { /* a second router beside one that is known: another network, perhaps */
		news = x->n_routers == 0 ? CLASSIFY_NEWS_FIRST : CLASSIFY_NEWS_OTHER;
		r = &x->router[x->n_routers++];
	} else if (!ra_same(&r->ra, ra)) {
		news = CLASSIFY_NEWS_OTHER;
	}
	r->ra = *ra;
	r->until_boot_ms = ra->lifetime_s == 0 ? 0 : at + (uint64_t)ra->lifetime_s * 1000;
	return news;
}

static enum classify_news take_dhcp6(struct classify_exchange *x, const struct msg_dhcp6 *d,
				     const uint8_t own_mac[6])
{
	bool before = x->dhcp6_done;
	bool same = before && memcmp(&x->dhcp6, d, sizeof(*d)) == 0; /* no padding: msg_net.h */

	if (d->message_type != DHCP6_REPLY ||
	    memcmp(d->client_mac, own_mac, sizeof(d->client_mac)) != 0)
		return CLASSIFY_NEWS_NONE;
	if (d->status != 0) { /* RFC 8415 21.13: no addresses here, or not those that we had */
		x->dhcp6_done = false;
		return before ? CLASSIFY_NEWS_OTHER : CLASSIFY_NEWS_NONE;
	}
	x->dhcp6_done = true;
	x->dhcp6 = *d;
	if (!before)
		return CLASSIFY_NEWS_FIRST;
	return same ? CLASSIFY_NEWS_NONE : CLASSIFY_NEWS_OTHER;
}

static bool is_gateway(const struct classify_exchange *x, const struct msg_gateway *g)
{
	if (g->family == AF_INET)
		return x->dhcp_done && memcmp(g->address, &x->dhcp.router, 4) == 0;
	for (uint32_t i = 0; g->family == AF_INET6 && i < x->n_routers; i++)
		if (memcmp(g->address, x->router[i].ra.router, sizeof(g->address)) == 0)
			return true;
	return false;
}

/* A router that answers with another MAC than before is another router. */
static enum classify_news take_gateway(struct classify_exchange *x, const struct msg_gateway *g)
{
	if (!is_gateway(x, g))
		return CLASSIFY_NEWS_NONE;
	for (uint32_t i = 0; i < x->n_gateways; i++) {
		struct msg_gateway *known = &x->gateway[i];

		if (known->family != g->family ||
		    memcmp(known->address, g->address, sizeof(known->address)) != 0)
			continue;
		if (memcmp(known->mac, g->mac, sizeof(known->mac)) == 0)
			return CLASSIFY_NEWS_NONE;
		*known = *g;
		return CLASSIFY_NEWS_OTHER;
	}
	if (x->n_gateways == CLASSIFY_GATEWAYS)
		return CLASSIFY_NEWS_OTHER;
	x->gateway[x->n_gateways++] = *g;
	return CLASSIFY_NEWS_NONE; /* its address was told before, and was news then */
}

enum classify_news classify_exchange_take(struct classify_exchange *x,
					  const struct msg_claim *claim, const uint8_t own_mac[6],
					  uint64_t at_boot_ms)
{
	switch (claim->kind) {
	case SIGN_DHCP4:
		return take_dhcp4(x, &claim->dhcp4, own_mac, at_boot_ms);
	case SIGN_RA:
		return take_ra(x, &claim->ra, at_boot_ms);
	case SIGN_DHCP6:
		return take_dhcp6(x, &claim->dhcp6, own_mac);
	case SIGN_GATEWAY:
		return take_gateway(x, &claim->gateway);
	default:
		return CLASSIFY_NEWS_NONE;
	}
}

static bool inside(const uint8_t address[16], const struct msg_ra_prefix *p)
{
	size_t whole = p->len_bits / 8;

	if (p->len_bits > 128 || memcmp(address, p->address, whole) != 0)
		return false;
	return p->len_bits % 8 == 0 ||
	       (address[whole] ^ p->address[whole]) >> (8 - p->len_bits % 8) == 0;
}

/* No prefix of a router can make a link-local address prove anything (RFC 4862 5.5.3 b). */
static bool inside_any(const struct msg_ra *ra, const uint8_t address[16])
{
	if (address[0] == 0xfe && (address[1] & 0xc0) == 0x80)
		return false;
	for (uint32_t i = 0; i < ra->n_prefixes && i < MSG_RA_PREFIXES; i++)
		if (ra->prefix[i].valid_s != 0 && ra->prefix[i].len_bits != 0 &&
		    inside(address, &ra->prefix[i]))
			return true;
	return false;
}

static bool router_done(const struct classify_exchange *x, const struct classify_router *r,
			const struct classify_net *addresses)
{
	if (r->until_boot_ms == 0)
		return false;
	if ((r->ra.flags & RA_MANAGED_OR_OTHER) != 0 && x->dhcp6_done)
		return true;
	for (uint32_t i = 0; i < addresses->n; i++)
		if (addresses->item[i].family == AF_INET6 &&
		    inside_any(&r->ra, addresses->item[i].address))
			return true;
	return false;
}

bool classify_exchange_done(const struct classify_exchange *x, const struct classify_net *addresses)
{
	if (x->dhcp_done)
		return true;
	for (uint32_t i = 0; i < x->n_routers; i++)
		if (router_done(x, &x->router[i], addresses))
			return true;
	return false;
}

bool classify_exchange_named_address(const struct classify_exchange *x,
				     const struct classify_address *a)
{
	if (a->family == AF_INET)
		return x->dhcp_done && memcmp(a->address, &x->dhcp.your_addr, 4) == 0;
	for (uint32_t i = 0; i < x->n_routers; i++)
		if (inside_any(&x->router[i].ra, a->address))
			return true;
	for (uint32_t i = 0; x->dhcp6_done && i < MIN(x->dhcp6.n_addresses, MSG_DHCP6_ADDRESSES);
	     i++)
		if (memcmp(a->address, x->dhcp6.address[i], sizeof(a->address)) == 0)
			return true;
	return false;
}

bool classify_exchange_named_gateway(const struct classify_exchange *x,
				     const struct classify_address *g)
{
	struct msg_gateway as = { .family = g->family };

	memcpy(as.address, g->address, sizeof(as.address));
	return is_gateway(x, &as);
}

bool classify_exchange_gateway_mac(const struct classify_exchange *x, uint8_t ret[6])
{
	if (!x->dhcp_done || x->dhcp.router == 0)
		return false;
	for (uint32_t i = 0; i < x->n_gateways; i++)
		if (x->gateway[i].family == AF_INET) {
			memcpy(ret, x->gateway[i].mac, 6);
			return true;
		}
	if (x->dhcp.server_id != x->dhcp.router)
		return false;
	memcpy(ret, x->dhcp.server_mac, 6);
	return true;
}

void classify_exchange_expire(struct classify_exchange *x, uint64_t now_boot_ms)
{
	if (x->dhcp_done && now_boot_ms >= x->dhcp_until_boot_ms)
		x->dhcp_done = false;
	for (uint32_t i = 0; i < x->n_routers; i++)
		if (now_boot_ms >= x->router[i].until_boot_ms)
			x->router[i].until_boot_ms = 0;
}

uint64_t classify_exchange_wake(const struct classify_exchange *x)
{
	uint64_t at = x->dhcp_done ? x->dhcp_until_boot_ms : FOREVER;

	for (uint32_t i = 0; i < x->n_routers; i++)
		if (x->router[i].until_boot_ms != 0)
			at = MIN(at, x->router[i].until_boot_ms);
	return at;
}
