/* classify_zone.h - reading a struct classify_state: what stands, what is missing, which zone.
 *
 * Pure: nothing here changes the state; classify.c does. classify_rules_init(), classify_wake(),
 * classify_settled(), classify_explain() and the names, which classify.h promises, are here, too. */
#ifndef NETGUARD_CLASSIFY_ZONE_H
#define NETGUARD_CLASSIFY_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "netguard/classify.h"

/* The strongest sign that stands (enum sign_kind); 0: none. */
uint32_t classify_zone_sign(const struct classify_state *state);

/* The enrolled network that this one looks like; NULL: none. */
const struct classify_home *classify_zone_home(const struct classify_state *state,
					       const struct classify_rules *rules);

/* What of the window has not been attested yet, by heartbeats and not by the clock. */
uint32_t classify_zone_window_left_ms(const struct classify_state *state,
				      const struct classify_rules *rules);

/* Two heartbeats further apart are two runs. Where a home ends and nothing else happened, the next
 * one may be as late as in the home: sniff hears only now that something is judged again. */
uint32_t classify_zone_gap_ms(const struct classify_state *state,
			      const struct classify_rules *rules);

enum classify_wait classify_zone_wait(const struct classify_state *state,
				      const struct classify_rules *rules);

/* The zone that the facts give, dampening apart. */
enum zone classify_zone_find(const struct classify_state *state,
			     const struct classify_rules *rules);

/* Does this change permit something? unknown is the tightest zone of the uplink itself. */
bool classify_zone_loosens(enum zone from, enum zone to);

/* The zone to take where a loosening may not come yet: never looser than either of the two. */
enum zone classify_zone_calm(enum zone from, enum zone to);

#endif
