/* accept.h - may this verified document stand here and now?
 *
 * Pure: values in, a reason out. */
#ifndef POLICY_ACCEPT_H
#define POLICY_ACCEPT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"

enum {
	/* A document issued later than this in our future means a wrong clock or a wrong document;
	 * a day covers time zones set as UTC. */
	ACCEPT_AHEAD_S = 24 * 3600,
};

struct accept_doc {
	uint64_t serial;
	uint64_t issued_wall_s;
	uint64_t expires_wall_s;
	uint64_t grace_s;
};

/* The stored policy at start: not below the highest serial ever accepted. An expired one stands:
 * isolation has no end. REASON_OK or REASON_DOC_SERIAL. */
enum reason accept_stored(const struct accept_doc *doc, uint64_t highest_serial);

/* A new policy: a higher serial than ever accepted (or the very bytes in force), not expired, not
 * from the future. REASON_OK, REASON_DOC_SERIAL, REASON_DOC_EXPIRED, REASON_DOC_FUTURE. */
enum reason accept_new(const struct accept_doc *doc, uint64_t highest_serial, bool same_bytes,
		       uint64_t now_wall_s);

/* Do unlocks go on under this policy? REASON_OK or REASON_DOC_EXPIRED (past its grace). */
static inline enum reason accept_unlock(const struct accept_doc *doc, uint64_t now_wall_s)
{
	if (now_wall_s < doc->expires_wall_s || now_wall_s - doc->expires_wall_s < doc->grace_s)
		return REASON_OK;
	return REASON_DOC_EXPIRED;
}

#endif
