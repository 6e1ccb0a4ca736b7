#include "netguard/classify_home.h"

#include <string.h>

static const struct msg_ra *first_router(const struct classify_exchange *x)
{
	for (uint32_t i = 0; i < x->n_routers; i++)
		if (x->router[i].until_boot_ms != 0)
			return &x->router[i].ra;
	return NULL;
}

bool classify_home_of(const struct classify_exchange *x, struct classify_home *ret)
{
	const struct msg_ra *ra = first_router(x);
	struct classify_home h = { .name = "" };

	h.has_dhcp = x->dhcp_done && classify_exchange_gateway_mac(x, h.gateway_mac);
	if (h.has_dhcp) {
		h.server_id = x->dhcp.server_id;
		h.router = x->dhcp.router;
		memcpy(h.server_mac, x->dhcp.server_mac, sizeof(h.server_mac));
	}
	h.has_ra = ra && ra->n_prefixes > 0 && ra->prefix[0].len_bits <= 128;
	if (h.has_ra) {
		memcpy(h.ra_router, ra->router, sizeof(h.ra_router));
		memcpy(h.ra_mac, ra->router_mac, sizeof(h.ra_mac));
		h.prefix_bits = (uint8_t)ra->prefix[0].len_bits;
		memcpy(h.prefix, ra->prefix[0].address, sizeof(h.prefix));
	}
	if (!h.has_dhcp && !h.has_ra)
		return false;
	/* a lease whose router has not been heard would be a lease of anybody's */
	if (!h.has_dhcp && x->dhcp_done)
		return false;
	if (x->n_routers > 1 || (x->n_routers > 0 && !h.has_ra))
		return false;
	*ret = h;
	return true;
}

static bool same_dhcp(const struct classify_home *a, const struct classify_home *b)
{
	return a->server_id == b->server_id && a->router == b->router &&
	       memcmp(a->server_mac, b->server_mac, sizeof(a->server_mac)) == 0 &&
	       memcmp(a->gateway_mac, b->gateway_mac, sizeof(a->gateway_mac)) == 0;
}

static bool same_router(const struct classify_home *a, const struct classify_home *b)
{
	return memcmp(a->ra_router, b->ra_router, sizeof(a->ra_router)) == 0 &&
	       memcmp(a->ra_mac, b->ra_mac, sizeof(a->ra_mac)) == 0;
}

static bool same_prefix(const struct classify_home *a, const struct classify_home *b)
{
	return a->prefix_bits == b->prefix_bits &&
	       memcmp(a->prefix, b->prefix, sizeof(a->prefix)) == 0;
}

bool classify_home_is(const struct classify_home *home, const struct classify_exchange *x)
{
	struct classify_home now;

	if (home->name[0] == '\0' || !classify_home_of(x, &now))
		return false;
	if (home->has_dhcp != now.has_dhcp || (home->has_dhcp && !same_dhcp(home, &now)))
		return false;
	if (!now.has_ra)
		return home->has_dhcp;
	return home->has_ra && same_router(home, &now) &&
	       (home->has_dhcp || same_prefix(home, &now));
}

bool classify_home_grew(const struct classify_home *home, const struct classify_exchange *x)
{
	struct classify_home now;

	if (home->name[0] == '\0' || !classify_home_of(x, &now))
		return false;
	if ((home->has_dhcp && !(now.has_dhcp && same_dhcp(home, &now))) ||
	    (home->has_ra && !(now.has_ra && same_router(home, &now) && same_prefix(home, &now))))
		return false;
	return home->has_dhcp != now.has_dhcp || home->has_ra != now.has_ra;
}
