/* notify_text.h - what the person at the laptop should be told about a status, if anything.
 *
 * Values in, words out. An employee need not notice Bulkhead until it matters: the one
 * thing that matters is whether the personal side has a network, and if not, why. */
#ifndef ROLES_NOTIFY_TEXT_H
#define ROLES_NOTIFY_TEXT_H

#include "base/msg_ctl.h"
#include "roles/cli_view.h"

struct notify_text {
	bool open;	      /* personal has a network, or there is no port of its to speak of */
	uint32_t reason;      /* enum reason, when it is closed */
	uint32_t patience_ms; /* how long this must last before it is worth a word */
	char summary[128];
	char body[CLI_VIEW_BYTES];
};

/* Of all personal ports the one that is worst off. */
void notify_text_of(const struct msg_ctl_reply *status, struct notify_text *ret);

/* The daemon does not answer. */
void notify_text_silence(struct notify_text *ret);

/* Do both say the same to a person? */
bool notify_text_same(const struct notify_text *a, const struct notify_text *b);

#endif
