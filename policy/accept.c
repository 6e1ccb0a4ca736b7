#include "policy/accept.h"

enum reason accept_stored(const struct accept_doc *doc, uint64_t highest_serial)
{
	return doc->serial < highest_serial ? REASON_DOC_SERIAL : REASON_OK;
}

enum reason accept_new(const struct accept_doc *doc, uint64_t highest_serial, bool same_bytes,
		       uint64_t now_wall_s)
{
	/* two texts under one serial are a rollback as much as a lower one */
	if (doc->serial < highest_serial || (doc->serial == highest_serial && !same_bytes))
		return REASON_DOC_SERIAL;
	if (doc->expires_wall_s <= now_wall_s)
		return REASON_DOC_EXPIRED;
	if (doc->issued_wall_s > now_wall_s && doc->issued_wall_s - now_wall_s > ACCEPT_AHEAD_S)
		return REASON_DOC_FUTURE;
	return REASON_OK;
}
