#include "netguard/classify_zone.h"

#include "base/util.h"

uint32_t classify_zone_sign(const struct classify_state *state)
{
	static const uint32_t order[] = { SIGN_BEACON, SIGN_DHCP4, SIGN_LLDP,  SIGN_CDP,
					  SIGN_EAPOL,  SIGN_RA,	   SIGN_DHCP6, SIGN_VLAN };

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (state->sign[order[i]].until_boot_ms != 0)
			return order[i];
	return 0;
}

/* The window begins with the last event, or with the first heartbeat of the run if that is later.
 */
uint32_t classify_zone_window_left_ms(const struct classify_state *state,
				      const struct classify_rules *rules)
{
	uint64_t from = state->alive_since_boot_ms > state->quiet_boot_ms
				? state->alive_since_boot_ms
				: state->quiet_boot_ms;
	uint64_t seen_ms = state->alive_boot_ms > from ? state->alive_boot_ms - from : 0;

	if (!state->alive)
		return rules->foreign_window_ms;
	return seen_ms >= rules->foreign_window_ms ? 0
						   : (uint32_t)(rules->foreign_window_ms - seen_ms);
}

enum classify_wait classify_zone_wait(const struct classify_state *state,
				      const struct classify_rules *rules)
{
	if (state->link.ifindex == 0 || !state->link.carrier)
		return CLASSIFY_WAIT_CARRIER;
	if (state->proof_until_boot_ms != 0 || classify_zone_sign(state) != 0)
		return CLASSIFY_WAIT_SIGN;
	if (!state->alive || state->unsettled)
		return CLASSIFY_WAIT_SNIFF;
	if (!state->dhcp_done)
		return CLASSIFY_WAIT_DHCP;
	return classify_zone_window_left_ms(state, rules) > 0 ? CLASSIFY_WAIT_WINDOW
							      : CLASSIFY_WAIT_NOTHING;
}

enum zone classify_zone_find(const struct classify_state *state, const struct classify_rules *rules)
{
	enum classify_wait wait = classify_zone_wait(state, rules);

	if (wait == CLASSIFY_WAIT_CARRIER || state->unsettled)
		return ZONE_UNKNOWN;
	if (state->proof_until_boot_ms != 0)
		return ZONE_PROVEN;
	if (wait == CLASSIFY_WAIT_SIGN)
		return ZONE_SUSPECT;
	return wait == CLASSIFY_WAIT_NOTHING ? ZONE_FOREIGN : ZONE_UNKNOWN;
}

const char *classify_zone_name(enum zone zone)
{
	static const char *const names[N_ZONES] = { "unknown", "suspect", "proven", "foreign",
						    "home" };

	return (unsigned)zone < N_ZONES ? names[zone] : "?";
}

const char *classify_sign_name(uint32_t kind)
{
	static const char *const names[N_SIGN_KINDS] = {
		[SIGN_LLDP] = "LLDP", [SIGN_CDP] = "CDP",	[SIGN_DHCP4] = "DHCP",
		[SIGN_RA] = "RA",     [SIGN_DHCP6] = "DHCPv6",	[SIGN_EAPOL] = "EAPOL",
		[SIGN_VLAN] = "VLAN", [SIGN_BEACON] = "beacon",
	};

	return kind < N_SIGN_KINDS && names[kind] ? names[kind] : "none";
}
