#include "policy/report_leaf.h"

#include <string.h>

#include "base/reason.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* "leaf session N ...", as vhdcrypt/volume.c says it; 0: it does not. */
static uint64_t session_of(const char *detail)
{
	static const char words[] = "leaf session ";
	const char *at = strstr(detail, words);
	uint64_t n = 0;

	if (!at)
		return 0;
	for (at += sizeof(words) - 1; is_digit(*at) && n < UINT64_MAX / 100; at++)
		n = n * 10 + (uint64_t)(*at - '0');
	return n;
}

static void take_unlock(struct report_leaf *leaf, const struct msg_audit *a)
{
	uint64_t session = session_of(a->detail);

	if (session == 0)
		return;
	leaf->n_put_back += session < leaf->session;
	leaf->n_unclean += strstr(a->detail, "was not closed cleanly") != NULL;
	leaf->session = session;
}

void report_leaf_take(struct report_leaf *leaf, const struct msg_audit *a)
{
	if (a->kind == AUDIT_UNLOCK && a->phase == AUDIT_INTENT) {
		if (strncmp(leaf->lease, a->detail, sizeof(leaf->lease)) != 0)
			leaf->session = 0;
		memcpy(leaf->lease, a->detail, sizeof(leaf->lease)); /* of the lease's id, all */
	} else if (a->kind == AUDIT_UNLOCK && a->reason == REASON_OK) {
		take_unlock(leaf, a);
	} else if ((a->kind == AUDIT_DISK && strcmp(a->to, "exported") != 0) ||
		   (a->kind == AUDIT_LAYERS && a->reason == REASON_OK)) {
		leaf->session = 0;
	}
}
