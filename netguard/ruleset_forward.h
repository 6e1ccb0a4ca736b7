/* ruleset_forward.h - the rules for what is forwarded. A part of ruleset.h, for ruleset.c.
 *
 * Pure: the state that grants.h fills, who is who, what passes, and behind which ports it hides. */
#ifndef NETGUARD_RULESET_FORWARD_H
#define NETGUARD_RULESET_FORWARD_H

#include "netguard/ruleset.h"
#include "netguard/ruleset_text.h"

/* Into the inet table. */
void ruleset_forward_add(struct ruleset_text *t, const struct ruleset *r);

#endif
