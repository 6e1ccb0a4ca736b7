/* decide_portal.h - a captive portal's pages, on the user's word. A part of decide.h. */
#ifndef ROLES_DECIDE_PORTAL_H
#define ROLES_DECIDE_PORTAL_H

#include "roles/decide.h"

/* A client asks, and is answered. uplink "": the foreign one. */
void decide_portal_begin(struct decider *d, int client, const char *uplink, uint64_t now);
void decide_portal_end(struct decider *d, int client, uint64_t now);

/* Under another policy the word is another. */
void decide_portal_end_all(struct decider *d);

/* In every round, before the grants: ends what does not stand any more. */
void decide_portal_check(struct decider *d, uint64_t now);
uint64_t decide_portal_wake(const struct decider *d);

#endif
