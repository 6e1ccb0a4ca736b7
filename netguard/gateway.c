#include "netguard/gateway.h"

#include <string.h>
#include <sys/socket.h>

enum { DHCP4_ACK = 5 }; /* RFC 2132 9.6 */

static struct gateway_router *find(struct gateway *g, const struct msg_gateway *at)
{
	for (unsigned i = 0; i < GATEWAY_ROUTERS; i++) {
		struct gateway_router *r = &g->router[i];

		if (r->at.family == at->family &&
		    memcmp(r->at.address, at->address, sizeof(at->address)) == 0)
			return r;
	}
	return NULL;
}

static struct gateway_router *oldest(struct gateway *g)
{
	struct gateway_router *r = &g->router[0];

	for (unsigned i = 1; i < GATEWAY_ROUTERS; i++)
		if (g->router[i].named < r->named) /* a free one: 0 */
			r = &g->router[i];
	return r;
}

/* From now on its MAC is wanted, once. */
static void name(struct gateway *g, const struct msg_gateway *at)
{
	struct gateway_router *r = find(g, at);

	if (!r)
		r = oldest(g);
	r->at = *at;
	memset(r->at.mac, 0, sizeof(r->at.mac));
	r->named = ++g->n_named;
}

static bool learn(struct gateway *g, const struct msg_gateway *at)
{
	struct gateway_router *r = find(g, at);

	if (!r || at->family == 0 || memcmp(r->at.mac, at->mac, sizeof(at->mac)) == 0)
		return false;
	r->at = *at;
	return true;
}

/* Its MAC is known at once when the router itself is the server: the frame came from it. */
static bool take_ack(struct gateway *g, const struct msg_dhcp4 *d, struct msg_gateway *at)
{
	if (d->message_type != DHCP4_ACK || d->router == 0)
		return false;
	at->family = AF_INET;
	memcpy(at->address, &d->router, sizeof(d->router));
	memcpy(at->mac, d->server_mac, sizeof(at->mac));
	name(g, at);
	return d->server_id == d->router && learn(g, at);
}

static bool take_ra(struct gateway *g, const struct msg_ra *ra, struct msg_gateway *at)
{
	if (ra->lifetime_s == 0)
		return false;
	at->family = AF_INET6;
	memcpy(at->address, ra->router, sizeof(at->address));
	memcpy(at->mac, ra->router_mac, sizeof(at->mac));
	name(g, at);
	return learn(g, at);
}

bool gateway_take(struct gateway *g, const struct msg_claim *claim, struct msg_claim *ret)
{
	struct msg_gateway at = { 0 };
	bool news = false;

	if (claim->kind == SIGN_DHCP4) {
		news = take_ack(g, &claim->dhcp4, &at);
	} else if (claim->kind == SIGN_RA) {
		news = take_ra(g, &claim->ra, &at);
	} else if (claim->kind == SIGN_GATEWAY) {
		at = claim->gateway;
		news = learn(g, &at);
	}
	if (!news)
		return false;
	*ret = (struct msg_claim){ .kind = SIGN_GATEWAY,
				   .ifindex = claim->ifindex,
				   .at_boot_ms = claim->at_boot_ms };
	ret->gateway = at;
	return true;
}

void gateway_untold(struct gateway *g, const struct msg_gateway *at)
{
	struct gateway_router *r = find(g, at);

	if (r)
		memset(r->at.mac, 0, sizeof(r->at.mac));
}
