#include "netguard/classify.h"

#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#include "netguard/classify_match.h"
#include "netguard/classify_zone.h"
#include "netguard/text.h"

enum {
	FOREIGN_WINDOW_MS = 10000, /* design 4.1 */
	ALIVE_GAP_MS = 3000,	   /* sniff beats every second: two may be late */
	NEIGHBOUR_HOLD_MIN_MS =
		180000, /* the longest usual hold time, CDP's; a lower TTL is kept */
	DHCP4_ACK = 5,	/* RFC 2132 9.6 */
};

#define FOREVER		 UINT64_MAX
#define LEASE_INFINITE_S UINT32_MAX /* RFC 2131 3.3 */

void classify_rules_init(struct classify_rules *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->foreign_window_ms = FOREIGN_WINDOW_MS;
	ret->alive_gap_ms = ALIVE_GAP_MS;
	ret->any_kinds = 1u << SIGN_LLDP | 1u << SIGN_CDP;
	ret->dhcp_private = true;
}

void classify_init(struct classify_state *ret, uint64_t now_boot_ms)
{
	memset(ret, 0, sizeof(*ret));
	ret->zone = ZONE_UNKNOWN;
	ret->since_boot_ms = now_boot_ms;
	ret->now_boot_ms = now_boot_ms;
	ret->link_boot_ms = now_boot_ms;
	ret->quiet_boot_ms = now_boot_ms;
}

static void set_sign(struct classify_state *s, uint32_t kind, const char *source, uint64_t until)
{
	struct classify_sign *sign = &s->sign[kind];

	if (until < sign->until_boot_ms)
		until = sign->until_boot_ms; /* a sign never shortens another */
	sign->until_boot_ms = until;
	text_printable(sign->source, sizeof(sign->source), (const uint8_t *)source,
		       strnlen(source, sizeof(sign->source)));
}

/* A proof is the strongest sign there is: what was proven once stays at least suspect. */
static void end_proof(struct classify_state *s)
{
	if (s->proof_until_boot_ms == 0)
		return;
	s->proof_until_boot_ms = 0;
	set_sign(s, SIGN_BEACON, s->site, FOREVER);
}

/* Something is new on this link: what was quiet before says nothing about now. */
static void take_event(struct classify_state *s)
{
	end_proof(s);
	s->quiet_boot_ms = s->now_boot_ms;
	s->unsettled = true;
}

static void drop_absence(struct classify_state *s)
{
	s->alive = false;
	s->dhcp_done = false;
	s->quiet_boot_ms = s->now_boot_ms;
}

static void take_link(struct classify_state *s, const struct classify_link *link)
{
	/* member by member: the struct has padding */
	if (s->link.ifindex == link->ifindex && s->link.carrier == link->carrier &&
	    memcmp(s->link.mac, link->mac, sizeof(link->mac)) == 0 &&
	    memcmp(s->link.ifname, link->ifname, sizeof(link->ifname)) == 0)
		return;
	if (s->link.ifindex != link->ifindex) { /* another device: the kernel starts anew, too */
		memset(&s->addresses, 0, sizeof(s->addresses));
		memset(&s->gateways, 0, sizeof(s->gateways));
	}
	s->link = *link;
	s->generation++;
	s->link_boot_ms = s->now_boot_ms;
	s->proof_until_boot_ms = 0;
	memset(s->sign, 0, sizeof(s->sign));
	drop_absence(s);
	s->unsettled = true;
}

/* The same link, so its signs stand; what was proven or absent before the sleep does not. */
static void take_resume(struct classify_state *s)
{
	take_event(s);
	s->generation++;
	s->link_boot_ms = s->now_boot_ms;
	drop_absence(s);
}

static void take_address(struct classify_state *s, const struct classify_address *a)
{
	bool leased = s->dhcp_done && memcmp(a->address, &s->dhcp.your_addr, 4) == 0;

	if (!classify_net_address(&s->addresses, a))
		return;
	if (a->family == AF_INET) {
		if (leased && a->gained)
			return; /* the end of the very exchange that was seen */
		s->dhcp_done = false;
	}
	take_event(s);
}

static void take_gateway(struct classify_state *s, const struct classify_address *g)
{
	bool leased =
		g->family == AF_INET && s->dhcp_done && memcmp(g->address, &s->dhcp.router, 4) == 0;

	if (classify_net_gateway(&s->gateways, g) && !(leased && g->gained))
		take_event(s);
}

static bool dhcp_same(const struct msg_dhcp4 *a, const struct msg_dhcp4 *b)
{
	return a->your_addr == b->your_addr && a->netmask == b->netmask && a->router == b->router &&
	       a->server_id == b->server_id && a->n_dns == b->n_dns &&
	       memcmp(a->dns, b->dns, sizeof(a->dns)) == 0 &&
	       memcmp(a->domain, b->domain, sizeof(a->domain)) == 0 &&
	       memcmp(a->search, b->search, sizeof(a->search)) == 0 &&
	       memcmp(a->server_mac, b->server_mac, sizeof(a->server_mac)) == 0;
}

static void take_ack(struct classify_state *s, const struct msg_claim *claim, uint64_t at)
{
	const struct msg_dhcp4 *d = &claim->dhcp4;

	if (d->message_type != DHCP4_ACK || d->your_addr == 0 || at < s->link_boot_ms)
		return;
	if (memcmp(d->client_mac, s->link.mac, sizeof(d->client_mac)) != 0)
		return; /* a neighbour's */
	if (s->dhcp_done && !dhcp_same(&s->dhcp, d))
		take_event(s);
	s->dhcp_done = true;
	s->dhcp = *d;
	s->dhcp_until_boot_ms =
		d->lease_s == LEASE_INFINITE_S ? FOREVER : at + (uint64_t)d->lease_s * 1000;
}

static void take_alive(struct classify_state *s, const struct msg_alive *counts, uint64_t at)
{
	bool unbroken;

	if (at < s->link_boot_ms)
		return; /* it speaks of the link before */
	/* a gap that is too long was found before, by expire() */
	unbroken = s->alive && at >= s->alive_boot_ms && counts->n_frames >= s->counts.n_frames &&
		   counts->n_dropped == s->counts.n_dropped;
	if (!unbroken)
		s->alive_since_boot_ms = at;
	if (at >= s->quiet_boot_ms)
		s->unsettled = false;
	s->alive = true;
	s->alive_boot_ms = at;
	s->counts = *counts;
}

static void take_claim(struct classify_state *s, const struct classify_rules *rules,
		       const struct msg_claim *claim)
{
	uint64_t at = MIN(claim->at_boot_ms, s->now_boot_ms);
	char source[MSG_NAME_BYTES];

	if (claim->ifindex != s->link.ifindex || s->link.ifindex == 0)
		return;
	if (classify_match(rules, claim, source)) {
		uint64_t hold_ms = NEIGHBOUR_HOLD_MIN_MS;

		if (claim->kind == SIGN_LLDP && (uint64_t)claim->lldp.ttl_s * 1000 > hold_ms)
			hold_ms = (uint64_t)claim->lldp.ttl_s * 1000;
		/* a neighbour ages out; what the network itself said stands until it changes */
		set_sign(s, claim->kind, source,
			 claim->kind == SIGN_LLDP || claim->kind == SIGN_CDP
				 ? s->now_boot_ms + hold_ms
				 : FOREVER);
		s->unsettled = false;
	}
	if (claim->kind == SIGN_ALIVE)
		take_alive(s, &claim->alive, at);
	else if (claim->kind == SIGN_DHCP4)
		take_ack(s, claim, at);
}

static void take_proof(struct classify_state *s, const struct classify_proof *proof)
{
	uint64_t lifetime_s = MIN(proof->lifetime_s, (uint32_t)CLASSIFY_PROOF_MAX_S);

	if (proof->generation != s->generation || lifetime_s == 0)
		return;
	s->proof_until_boot_ms = s->now_boot_ms + lifetime_s * 1000;
	s->unsettled = false;
	memcpy(s->site, proof->site, sizeof(s->site));
	s->site[sizeof(s->site) - 1] = '\0';
}

/* The policy changed: hold what is remembered against it, and begin the window anew. */
static void take_rules(struct classify_state *s, const struct classify_rules *rules)
{
	struct msg_claim claim = { .kind = SIGN_DHCP4, .dhcp4 = s->dhcp };
	char source[MSG_NAME_BYTES];

	if (s->dhcp_done && classify_match(rules, &claim, source))
		set_sign(s, SIGN_DHCP4, source, FOREVER);
	s->quiet_boot_ms = s->now_boot_ms;
}

/* What ends by time alone. */
static void expire(struct classify_state *s, const struct classify_rules *rules)
{
	uint64_t now = s->now_boot_ms;

	if (s->proof_until_boot_ms != 0 && now >= s->proof_until_boot_ms)
		end_proof(s);
	if (s->alive && now - s->alive_boot_ms > rules->alive_gap_ms)
		s->alive = false;
	if (s->dhcp_done && now >= s->dhcp_until_boot_ms)
		s->dhcp_done = false;
	for (unsigned k = 0; k < N_SIGN_KINDS; k++) {
		struct classify_sign *sign = &s->sign[k];

		if (sign->until_boot_ms != 0 && now >= sign->until_boot_ms) {
			memset(sign, 0, sizeof(*sign));
			s->quiet_boot_ms = now;
		}
	}
}

static void take_fact(struct classify_state *s, const struct classify_rules *rules,
		      const struct classify_fact *fact)
{
	switch (fact->kind) {
	case CLASSIFY_LINK:
		take_link(s, &fact->link);
		break;
	case CLASSIFY_ADDRESS:
		take_address(s, &fact->address);
		break;
	case CLASSIFY_GATEWAY:
		take_gateway(s, &fact->address);
		break;
	case CLASSIFY_RESUME:
		take_resume(s);
		break;
	case CLASSIFY_CLAIM:
		take_claim(s, rules, fact->claim);
		break;
	case CLASSIFY_ANNOUNCEMENT:
		set_sign(s, SIGN_BEACON, fact->site, FOREVER);
		s->unsettled = false;
		break;
	case CLASSIFY_SNIFF_GONE:
		s->alive = false;
		break;
	case CLASSIFY_PROOF:
		take_proof(s, &fact->proof);
		break;
	case CLASSIFY_RULES:
		take_rules(s, rules);
		break;
	case CLASSIFY_TIME:
	case N_CLASSIFY_FACT_KINDS:
		break;
	}
}

bool classify_step(struct classify_state *state, const struct classify_rules *rules,
		   const struct classify_fact *fact, uint64_t now_boot_ms)
{
	uint32_t generation = state->generation;
	uint32_t sign = classify_zone_sign(state);
	char source[MSG_NAME_BYTES];
	enum zone zone;

	memcpy(source, state->sign[sign].source, sizeof(source));
	if (now_boot_ms > state->now_boot_ms)
		state->now_boot_ms = now_boot_ms;
	expire(state, rules);
	take_fact(state, rules, fact);
	zone = classify_zone_find(state, rules);
	if (zone != state->zone) {
		state->zone = zone;
		state->since_boot_ms = state->now_boot_ms;
		return true;
	}
	return generation != state->generation || sign != classify_zone_sign(state) ||
	       memcmp(source, state->sign[sign].source, sizeof(source)) != 0;
}

uint64_t classify_wake(const struct classify_state *state, const struct classify_rules *rules)
{
	uint64_t at = FOREVER;

	if (state->proof_until_boot_ms != 0)
		at = MIN(at, state->proof_until_boot_ms);
	if (state->alive) /* one later: at the gap itself it is still in time */
		at = MIN(at, state->alive_boot_ms + rules->alive_gap_ms + 1);
	if (state->dhcp_done)
		at = MIN(at, state->dhcp_until_boot_ms);
	for (unsigned k = 0; k < N_SIGN_KINDS; k++)
		if (state->sign[k].until_boot_ms != 0)
			at = MIN(at, state->sign[k].until_boot_ms);
	return at;
}

static uint32_t left_ms(uint64_t until, uint64_t now)
{
	if (until == FOREVER)
		return UINT32_MAX;
	return until > now ? (uint32_t)MIN(until - now, (uint64_t)UINT32_MAX - 1) : 0;
}

void classify_explain(const struct classify_state *state, const struct classify_rules *rules,
		      struct classify_why *ret)
{
	struct classify_why why = { .kind = classify_zone_sign(state),
				    .wait = classify_zone_wait(state, rules) };
	uint64_t now = state->now_boot_ms;

	if (state->proof_until_boot_ms != 0) {
		why.kind = SIGN_BEACON;
		why.proof_left_ms = left_ms(state->proof_until_boot_ms, now);
		memcpy(why.source, state->site, sizeof(why.source));
	} else if (why.kind != 0) {
		memcpy(why.source, state->sign[why.kind].source, sizeof(why.source));
		why.sign_left_ms = left_ms(state->sign[why.kind].until_boot_ms, now);
	}
	why.window_left_ms = classify_zone_window_left_ms(state, rules);
	*ret = why;
}
