/* ruleset_sample.h - the chains that drop: each counts, and shows some of what it drops.
 *
 * Pure: values in, text out. For ruleset.c's files alone. A rule that drops goes to the chain of the
 * counter's name. The drop is a rule of its own, so it depends on no limit and on no log. */
#ifndef NETGUARD_RULESET_SAMPLE_H
#define NETGUARD_RULESET_SAMPLE_H

#include "base/msg_net.h"
#include "netguard/ruleset_text.h"

/* The counter and the chain of this name. from_ports: samples are of what ports send, so that nobody
 * out there writes our audit log. */
void ruleset_sample_add(struct ruleset_text *t, enum blocked_what what, bool from_ports);

#endif
