#include "netguard/classify_zone.h"

#include <string.h>

#include "base/util.h"

enum {
	FOREIGN_WINDOW_MS = 10000, /* design 4.1 */
	HOME_WINDOW_MS = 1500,
	ALIVE_GAP_MS = 3000, /* sniff beats every second then: two may be late */
};

#define FOREVER UINT64_MAX

void classify_rules_init(struct classify_rules *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->foreign_window_ms = FOREIGN_WINDOW_MS;
	ret->home_window_ms = HOME_WINDOW_MS;
	ret->alive_gap_ms = ALIVE_GAP_MS;
	ret->any_kinds = 1u << SIGN_LLDP | 1u << SIGN_CDP;
	ret->dhcp_private = true;
	ret->dhcp_domain = true;
	ret->address = true;
	ret->ra = true;
}

uint32_t classify_zone_sign(const struct classify_state *state)
{
	static const uint32_t order[] = {
		SIGN_BEACON, SIGN_TLS, SIGN_DHCP4, SIGN_LLDP, SIGN_CDP,
		SIGN_EAPOL,  SIGN_RA,  SIGN_DHCP6, SIGN_VLAN, SIGN_GATEWAY
	};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (state->sign[order[i]].until_boot_ms != 0)
			return order[i];
	return 0;
}

const struct classify_home *classify_zone_home(const struct classify_state *state,
					       const struct classify_rules *rules)
{
	for (uint32_t i = 0; i < rules->n_homes && i < CLASSIFY_HOMES; i++) {
		const struct classify_home *home = &rules->home[i];

		if (classify_home_is(home, &state->seen) ||
		    (strncmp(home->name, state->enrolled, sizeof(home->name)) == 0 &&
		     classify_home_grew(home, &state->seen)))
			return home;
	}
	return NULL;
}

/* How much of this generation is attested: from the last event, or from the first heartbeat of the
 * run if that is later, to the last heartbeat. Not by the clock. */
static uint64_t attested_ms(const struct classify_state *state)
{
	uint64_t from = state->alive_since_boot_ms > state->quiet_boot_ms
				? state->alive_since_boot_ms
				: state->quiet_boot_ms;

	return state->alive && state->alive_boot_ms > from ? state->alive_boot_ms - from : 0;
}

static uint32_t window_ms(const struct classify_state *state, const struct classify_rules *rules)
{
	uint32_t ms = rules->foreign_window_ms;

	if (classify_zone_home(state, rules) && rules->home_window_ms < ms)
		ms = rules->home_window_ms;
	return ms > CLASSIFY_BEACON_MS ? ms : (uint32_t)CLASSIFY_BEACON_MS;
}

uint32_t classify_zone_window_left_ms(const struct classify_state *state,
				      const struct classify_rules *rules)
{
	uint64_t seen_ms = attested_ms(state);
	uint32_t ms = window_ms(state, rules);

	return seen_ms >= ms ? 0 : (uint32_t)(ms - seen_ms);
}

bool classify_settled(const struct classify_state *state)
{
	return !state->link.carrier || state->tunnel || state->zone != ZONE_UNKNOWN;
}

uint32_t classify_zone_gap_ms(const struct classify_state *state,
			      const struct classify_rules *rules)
{
	return classify_settled(state) || state->alive_slow ? (uint32_t)CLASSIFY_SETTLED_GAP_MS
							    : rules->alive_gap_ms;
}

enum classify_wait classify_zone_wait(const struct classify_state *state,
				      const struct classify_rules *rules)
{
	if (state->link.ifindex == 0 || !state->link.carrier)
		return CLASSIFY_WAIT_CARRIER;
	if (state->tunnel)
		return CLASSIFY_WAIT_PROOF;
	if (state->proof_until_boot_ms != 0 || classify_zone_sign(state) != 0)
		return CLASSIFY_WAIT_SIGN;
	if (!state->alive || state->unsettled)
		return CLASSIFY_WAIT_SNIFF;
	if (!classify_exchange_done(&state->seen, &state->addresses))
		return CLASSIFY_WAIT_DHCP;
	return classify_zone_window_left_ms(state, rules) > 0 ? CLASSIFY_WAIT_WINDOW
							      : CLASSIFY_WAIT_NOTHING;
}

enum zone classify_zone_find(const struct classify_state *state, const struct classify_rules *rules)
{
	enum classify_wait wait = classify_zone_wait(state, rules);

	if (wait == CLASSIFY_WAIT_CARRIER || state->unsettled)
		return ZONE_UNKNOWN;
	if (state->tunnel)
		return state->proof_until_boot_ms != 0 ? ZONE_TUNNEL : ZONE_UNKNOWN;
	if (state->proof_until_boot_ms != 0)
		return ZONE_PROVEN;
	if (wait == CLASSIFY_WAIT_SIGN)
		return ZONE_SUSPECT;
	if (wait != CLASSIFY_WAIT_NOTHING)
		return ZONE_UNKNOWN;
	return classify_zone_home(state, rules) ? ZONE_HOME : ZONE_FOREIGN;
}

bool classify_zone_loosens(enum zone from, enum zone to)
{
	if (from == to || to == ZONE_UNKNOWN)
		return false;
	return to != ZONE_SUSPECT || from == ZONE_UNKNOWN;
}

enum zone classify_zone_calm(enum zone from, enum zone to)
{
	if (!classify_zone_loosens(from, to))
		return to;
	if (to == ZONE_HOME && from == ZONE_FOREIGN)
		return ZONE_FOREIGN; /* no policy opens less at home */
	return to == ZONE_PROVEN && from != ZONE_UNKNOWN ? ZONE_SUSPECT : ZONE_UNKNOWN;
}

uint64_t classify_wake(const struct classify_state *state, const struct classify_rules *rules)
{
	uint64_t at = classify_exchange_wake(&state->seen);

	if (state->proof_until_boot_ms != 0)
		at = MIN(at, state->proof_until_boot_ms);
	if (state->alive) /* one later: at the gap itself it is still in time */
		at = MIN(at, state->alive_boot_ms + classify_zone_gap_ms(state, rules) + 1);
	for (unsigned k = 0; k < N_SIGN_KINDS; k++)
		if (state->sign[k].until_boot_ms != 0)
			at = MIN(at, state->sign[k].until_boot_ms);
	if (state->closes && state->closes_until_boot_ms != 0)
		at = MIN(at, state->closes_until_boot_ms);
	if (state->now_boot_ms < state->calm_boot_ms &&
	    classify_zone_find(state, rules) != state->zone)
		at = MIN(at, state->calm_boot_ms);
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
	const struct classify_home *home = classify_zone_home(state, rules);
	uint64_t now = state->now_boot_ms;

	if (why.wait == CLASSIFY_WAIT_NOTHING && state->zone == ZONE_UNKNOWN)
		why.wait = CLASSIFY_WAIT_CALM;
	if (state->proof_until_boot_ms != 0) {
		why.kind = state->proof_kind;
		why.proof_left_ms = left_ms(state->proof_until_boot_ms, now);
		memcpy(why.source, state->site, sizeof(why.source));
	} else if (why.kind != 0) {
		memcpy(why.source, state->sign[why.kind].source, sizeof(why.source));
		why.sign_left_ms = left_ms(state->sign[why.kind].until_boot_ms, now);
	} else if (home) {
		memcpy(why.source, home->name, sizeof(why.source));
	}
	why.window_left_ms = classify_zone_window_left_ms(state, rules);
	*ret = why;
}

const char *classify_zone_name(enum zone zone)
{
	static const char *const names[N_ZONES] = { "unknown", "suspect", "proven",
						    "foreign", "home",	  "tunnel" };

	return (unsigned)zone < N_ZONES ? names[zone] : "?";
}

const char *classify_sign_name(uint32_t kind)
{
	static const char *const names[N_SIGN_KINDS] = {
		[SIGN_LLDP] = "LLDP", [SIGN_CDP] = "CDP",	[SIGN_DHCP4] = "DHCP",
		[SIGN_RA] = "RA",     [SIGN_DHCP6] = "DHCPv6",	[SIGN_EAPOL] = "EAPOL",
		[SIGN_VLAN] = "VLAN", [SIGN_BEACON] = "beacon", [SIGN_GATEWAY] = "gateway",
		[SIGN_TLS] = "TLS",
	};

	return kind < N_SIGN_KINDS && names[kind] ? names[kind] : "none";
}
