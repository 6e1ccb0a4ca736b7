/* classify_zone.h - reading a struct classify_state: what stands, what is missing, which zone.
 *
 * Pure: nothing here changes the state; classify.c does. */
#ifndef NETGUARD_CLASSIFY_ZONE_H
#define NETGUARD_CLASSIFY_ZONE_H

#include <stdint.h>

#include "netguard/classify.h"

/* The strongest sign that stands (enum sign_kind); 0: none. */
uint32_t classify_zone_sign(const struct classify_state *state);

/* What of the window has not been attested yet, by heartbeats and not by the clock. */
uint32_t classify_zone_window_left_ms(const struct classify_state *state,
				      const struct classify_rules *rules);

enum classify_wait classify_zone_wait(const struct classify_state *state,
				      const struct classify_rules *rules);

enum zone classify_zone_find(const struct classify_state *state,
			     const struct classify_rules *rules);

#endif
