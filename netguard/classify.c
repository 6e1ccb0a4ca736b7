#include "netguard/classify.h"

#include <string.h>
#include <sys/socket.h>

#include "base/util.h"

#include "netguard/classify_match.h"
#include "netguard/classify_zone.h"
#include "netguard/text.h"

enum {
	NEIGHBOUR_HOLD_MIN_MS =
		180000, /* the longest usual hold time, CDP's; a lower TTL is kept */
};

#define FOREVER UINT64_MAX

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
	s->sign_heard = true;
	text_printable(sign->source, sizeof(sign->source), (const uint8_t *)source,
		       strnlen(source, sizeof(sign->source)));
}

/* A proof is the strongest sign there is: what was proven once stays at least suspect. */
static void end_proof(struct classify_state *s)
{
	if (s->proof_until_boot_ms == 0)
		return;
	s->proof_until_boot_ms = 0;
	if (!s->tunnel)
		set_sign(s, s->proof_kind, s->site, FOREVER);
}

/* Something is new on this link: what was quiet before says nothing about now. What was proven stays
 * for one moment, counted from the first event, in which it may be shown again. */
static void take_event(struct classify_state *s)
{
	s->alive_slow = false;
	s->quiet_boot_ms = s->now_boot_ms;
	if (s->tunnel)
		end_proof(s); /* a tunnel does not roam */
	if (s->proof_until_boot_ms == 0)
		s->unsettled = true;
	else
		s->proof_until_boot_ms =
			MIN(s->proof_until_boot_ms, s->now_boot_ms + CLASSIFY_ROAM_MS);
}

static void drop_absence(struct classify_state *s)
{
	s->alive = false;
	s->alive_slow = false;
	memset(&s->seen, 0, sizeof(s->seen));
	memset(s->enrolled, 0, sizeof(s->enrolled));
	s->quiet_boot_ms = s->now_boot_ms;
}

/* member by member: the struct has padding */
static bool same_device(const struct classify_link *a, const struct classify_link *b)
{
	return a->ifindex == b->ifindex && memcmp(a->mac, b->mac, sizeof(a->mac)) == 0 &&
	       memcmp(a->ifname, b->ifname, sizeof(a->ifname)) == 0;
}

static void take_link(struct classify_state *s, const struct classify_link *link)
{
	bool same = same_device(&s->link, link);

	if (same && s->link.carrier == link->carrier && s->link.n_losses == link->n_losses)
		return;
	if (!same)
		s->alive_boot_ms = 0;		/* sniff listened to another one */
	if (s->link.ifindex != link->ifindex) { /* another device: the kernel starts anew, too */
		memset(&s->addresses, 0, sizeof(s->addresses));
		memset(&s->gateways, 0, sizeof(s->gateways));
	}
	s->link = *link;
	s->generation++;
	s->link_boot_ms = s->now_boot_ms;
	s->proof_until_boot_ms = 0;
	memset(s->sign, 0, sizeof(s->sign));
	s->sign_heard = false;
	drop_absence(s);
	s->unsettled = true;
}

/* The same link, so its signs stand; what was proven or absent before the sleep does not. */
static void take_resume(struct classify_state *s)
{
	end_proof(s);
	take_event(s);
	s->generation++;
	s->link_boot_ms = s->now_boot_ms;
	s->alive_boot_ms = 0;
	drop_absence(s);
}

/* A router that was enrolled greets late: what it brings says nothing new. */
static bool expected(const struct classify_state *s, const struct classify_rules *rules,
		     const struct classify_address *a, bool gateway)
{
	const struct classify_home *home = classify_zone_home(s, rules);

	if (!home || !home->has_ra || a->family != AF_INET6)
		return false;
	if (gateway)
		return memcmp(a->address, home->ra_router, sizeof(home->ra_router)) == 0;
	return home->prefix_bits >= 48 && home->prefix_bits <= 128 &&
	       memcmp(a->address, home->prefix, home->prefix_bits / 8) == 0;
}

static void take_address(struct classify_state *s, const struct classify_rules *rules,
			 const struct classify_address *a)
{
	bool named = classify_exchange_named_address(&s->seen, a) || expected(s, rules, a, false);

	if (!classify_net_address(&s->addresses, a))
		return;
	if (a->gained && named)
		return; /* the end of the very exchange that was seen */
	if (a->family == AF_INET)
		s->seen.dhcp_done = false;
	take_event(s);
}

static void take_gateway(struct classify_state *s, const struct classify_rules *rules,
			 const struct classify_address *g)
{
	bool named = classify_exchange_named_gateway(&s->seen, g) || expected(s, rules, g, true);

	if (classify_net_gateway(&s->gateways, g) && !(named && g->gained))
		take_event(s);
}

/* What came before the exchange was complete belongs to it; what differs, or comes later, is an
 * event, unless it fits a network that was enrolled. */
static void take_exchange(struct classify_state *s, const struct classify_rules *rules,
			  const struct msg_claim *claim, uint64_t at)
{
	bool complete = classify_exchange_done(&s->seen, &s->addresses);
	enum classify_news news;

	if (at < s->link_boot_ms)
		return; /* it speaks of the link before */
	news = classify_exchange_take(&s->seen, claim, s->link.mac, at);
	if (news == CLASSIFY_NEWS_OTHER ||
	    (news == CLASSIFY_NEWS_FIRST && complete && !classify_zone_home(s, rules)))
		take_event(s);
}

/* Two heartbeats of one run attest all that is between them: also the part of it that belongs to
 * this link, where the first of them still spoke of the cable before. */
static void take_alive(struct classify_state *s, const struct classify_rules *rules,
		       const struct msg_alive *counts, uint64_t at)
{
	bool unbroken = s->alive_boot_ms != 0 && at >= s->alive_boot_ms &&
			at - s->alive_boot_ms <= classify_zone_gap_ms(s, rules) &&
			counts->n_frames >= s->counts.n_frames &&
			counts->n_dropped == s->counts.n_dropped;

	if (at < s->link_boot_ms)
		return; /* it speaks of the link before */
	if (!unbroken)
		s->alive_since_boot_ms = at;
	else if (!s->alive)
		s->alive_since_boot_ms = s->link_boot_ms;
	if (at >= s->quiet_boot_ms)
		s->unsettled = false;
	s->alive = true;
	s->alive_slow = false;
	s->alive_boot_ms = at;
	s->counts = *counts;
}

static void take_sniff_gone(struct classify_state *s)
{
	s->alive = false;
	s->alive_boot_ms = 0;
}

static void take_sign(struct classify_state *s, const struct msg_claim *claim, const char *source)
{
	uint64_t hold_ms = NEIGHBOUR_HOLD_MIN_MS;
	uint32_t said_s = claim->kind == SIGN_LLDP  ? claim->lldp.ttl_s
			  : claim->kind == SIGN_CDP ? claim->cdp.hold_s
						    : 0;

	if ((uint64_t)said_s * 1000 > hold_ms)
		hold_ms = (uint64_t)said_s * 1000;
	/* a neighbour ages out; what the network itself said stands until it changes */
	set_sign(s, claim->kind, source,
		 claim->kind == SIGN_LLDP || claim->kind == SIGN_CDP ? s->now_boot_ms + hold_ms
								     : FOREVER);
	s->unsettled = false;
}

static void take_claim(struct classify_state *s, const struct classify_rules *rules,
		       const struct msg_claim *claim)
{
	char source[MSG_NAME_BYTES];
	uint64_t at = MIN(claim->at_boot_ms, s->now_boot_ms);

	if (claim->ifindex != s->link.ifindex || s->link.ifindex == 0)
		return;
	if (claim->kind == SIGN_ALIVE && claim->at_boot_ms > s->now_boot_ms)
		take_sniff_gone(s); /* the same clock: whoever is ahead of it lies */
	else if (claim->kind == SIGN_ALIVE)
		take_alive(s, rules, &claim->alive, at);
	else
		take_exchange(s, rules, claim, at);
	if (classify_match(rules, claim, source)) /* last: a sign outweighs the event it came by */
		take_sign(s, claim, source);
}

static void take_proof(struct classify_state *s, const struct classify_proof *proof)
{
	uint64_t lifetime_s = MIN(proof->lifetime_s, (uint32_t)CLASSIFY_PROOF_MAX_S);

	if (proof->generation != s->generation || lifetime_s == 0 || proof->tunnel != s->tunnel)
		return;
	if (s->proof_until_boot_ms != 0 && s->proof_kind == SIGN_BEACON &&
	    strncmp(s->site, proof->site, sizeof(s->site)) != 0) {
		end_proof(s); /* another site: unknown first, its next proof counts */
		take_event(s);
		return;
	}
	s->proof_kind = proof->kind == SIGN_TLS ? SIGN_TLS : SIGN_BEACON;
	s->proof_until_boot_ms = s->now_boot_ms + lifetime_s * 1000;
	s->unsettled = false;
	memcpy(s->site, proof->site, sizeof(s->site));
	s->site[sizeof(s->site) - 1] = '\0';
}

static void match_again(struct classify_state *s, const struct classify_rules *rules,
			const struct msg_claim *claim)
{
	char source[MSG_NAME_BYTES];

	if (classify_match(rules, claim, source))
		set_sign(s, claim->kind, source, FOREVER);
}

/* The policy changed: hold what is remembered against it, and begin the window anew. */
static void take_rules(struct classify_state *s, const struct classify_rules *rules)
{
	struct msg_claim dhcp4 = { .kind = SIGN_DHCP4, .dhcp4 = s->seen.dhcp };
	struct msg_claim dhcp6 = { .kind = SIGN_DHCP6, .dhcp6 = s->seen.dhcp6 };

	if (s->seen.dhcp_done)
		match_again(s, rules, &dhcp4);
	if (s->seen.dhcp6_done)
		match_again(s, rules, &dhcp6);
	for (uint32_t i = 0; i < s->seen.n_routers; i++) {
		struct msg_claim ra = { .kind = SIGN_RA, .ra = s->seen.router[i].ra };

		match_again(s, rules, &ra);
	}
	s->quiet_boot_ms = s->now_boot_ms;
}

/* What ends by time alone. */
static void expire(struct classify_state *s, const struct classify_rules *rules)
{
	uint64_t now = s->now_boot_ms;

	if (s->proof_until_boot_ms != 0 && now >= s->proof_until_boot_ms)
		end_proof(s);
	if (s->alive && now - s->alive_boot_ms > classify_zone_gap_ms(s, rules))
		s->alive = false;
	classify_exchange_expire(&s->seen, now);
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
	if (s->tunnel && (fact->kind == CLASSIFY_CLAIM || fact->kind == CLASSIFY_ANNOUNCEMENT))
		return; /* what is heard there was sent by whoever holds the other end */
	switch (fact->kind) {
	case CLASSIFY_LINK:
		take_link(s, &fact->link);
		break;
	case CLASSIFY_ADDRESS:
		take_address(s, rules, &fact->address);
		break;
	case CLASSIFY_GATEWAY:
		take_gateway(s, rules, &fact->address);
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
		take_sniff_gone(s);
		break;
	case CLASSIFY_PROOF:
		take_proof(s, &fact->proof);
		break;
	case CLASSIFY_ENROLLED:
		memcpy(s->enrolled, fact->site, sizeof(s->enrolled));
		break;
	case CLASSIFY_RULES:
		take_rules(s, rules);
		break;
	case CLASSIFY_TIME:
	case N_CLASSIFY_FACT_KINDS:
		break;
	}
}

/* Personal is closed on all uplinks while a sign or proof stands on this one, and for as long after
 * as any network takes to be believed: a cable that comes and goes opens nothing. */
static void hold_closed(struct classify_state *s, const struct classify_rules *rules)
{
	if (!s->tunnel && (s->proof_until_boot_ms != 0 || classify_zone_sign(s) != 0)) {
		s->closes = true;
		s->closes_until_boot_ms = 0;
		return;
	}
	if (s->closes && s->closes_until_boot_ms == 0)
		s->closes_until_boot_ms = s->now_boot_ms + rules->foreign_window_ms;
	if (s->now_boot_ms >= s->closes_until_boot_ms)
		s->closes = false;
}

static void settle(struct classify_state *s, const struct classify_rules *rules)
{
	enum zone found = classify_zone_find(s, rules);
	enum zone zone = found;

	if (s->now_boot_ms < s->calm_boot_ms)
		zone = classify_zone_calm(s->zone, found);
	if (classify_zone_loosens(s->zone, zone))
		s->calm_boot_ms = s->now_boot_ms + CLASSIFY_CALM_MS;
	if (zone != s->zone)
		s->since_boot_ms = s->now_boot_ms;
	s->zone = zone;
	if (zone == ZONE_FOREIGN || zone == ZONE_HOME) {
		s->closes = false; /* this very link is attested: nothing is left to come back */
		s->alive_slow = true;
	}
}

bool classify_step(struct classify_state *state, const struct classify_rules *rules,
		   const struct classify_fact *fact, uint64_t now_boot_ms)
{
	uint32_t generation = state->generation;
	uint32_t sign = classify_zone_sign(state);
	enum zone zone = state->zone;
	bool closes = state->closes;
	char source[MSG_NAME_BYTES];

	memcpy(source, state->sign[sign].source, sizeof(source));
	if (now_boot_ms > state->now_boot_ms)
		state->now_boot_ms = now_boot_ms;
	expire(state, rules);
	take_fact(state, rules, fact);
	hold_closed(state, rules);
	settle(state, rules);
	return zone != state->zone || closes != state->closes || generation != state->generation ||
	       sign != classify_zone_sign(state) ||
	       memcmp(source, state->sign[sign].source, sizeof(source)) != 0;
}
