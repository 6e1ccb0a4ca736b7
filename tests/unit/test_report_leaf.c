#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/reason.h"
#include "policy/report_leaf.h"

static void take(struct report_leaf *leaf, enum audit_kind kind, enum audit_phase phase,
		 enum reason reason, const char *to, const char *detail)
{
	struct msg_audit r = { .kind = kind, .phase = phase, .reason = reason };

	(void)snprintf(r.to, sizeof(r.to), "%s", to);
	(void)snprintf(r.detail, sizeof(r.detail), "%s", detail);
	report_leaf_take(leaf, &r);
}

static void unlocked(struct report_leaf *leaf, const char *lease, unsigned session, bool closed)
{
	char said[MSG_TEXT_BYTES];

	(void)snprintf(said, sizeof(said),
		       closed ? "leaf session %u was closed cleanly"
			      : "leaf session %u was not closed cleanly; 3 blocks checked",
		       session);
	take(leaf, AUDIT_UNLOCK, AUDIT_INTENT, REASON_OK, "", lease);
	take(leaf, AUDIT_UNLOCK, AUDIT_OUTCOME, REASON_OK, "", said);
}

static void a_session_that_goes_back_was_put_back(void **state)
{
	struct report_leaf leaf = { 0 };

	(void)state;
	unlocked(&leaf, "L-1", 7, true);
	unlocked(&leaf, "L-1", 7, true); /* it was only read */
	unlocked(&leaf, "L-1", 8, false);
	assert_int_equal(leaf.n_put_back, 0);
	assert_int_equal(leaf.n_unclean, 1);
	unlocked(&leaf, "L-1", 7, true);
	assert_int_equal(leaf.n_put_back, 1);
	unlocked(&leaf, "L-1", 8, true);
	assert_int_equal(leaf.n_put_back, 1);
}

/* A refusal names no session, and takes none back. */
static void a_refused_unlock_is_nothing(void **state)
{
	struct report_leaf leaf = { 0 };

	(void)state;
	unlocked(&leaf, "L-1", 7, true);
	take(&leaf, AUDIT_UNLOCK, AUDIT_OUTCOME, REASON_IMAGE, "", "leaf session 2");
	take(&leaf, AUDIT_UNLOCK, AUDIT_OUTCOME, REASON_OK, "", "");
	assert_int_equal(leaf.session, 7);
	assert_int_equal(leaf.n_put_back, 0);
}

/* Each of which is on record, or signed. */
static void a_session_begins_anew_with_another_leaf(void **state)
{
	static const struct {
		enum audit_kind kind;
		const char *to;
		bool anew;
	} deed[] = {
		{ AUDIT_DISK, "new key", true },     { AUDIT_DISK, "new MAC", true },
		{ AUDIT_DISK, "encrypted", true },   { AUDIT_DISK, "exported", false },
		{ AUDIT_LAYERS, "snapshot", true },  { AUDIT_LAYERS, "merged", true },
		{ AUDIT_UNLOCK, "unlocked", false }, { AUDIT_LOCK, "locked", false },
	};

	(void)state;
	for (unsigned i = 0; i < sizeof(deed) / sizeof(deed[0]); i++) {
		struct report_leaf leaf = { 0 };

		unlocked(&leaf, "L-1", 7, true);
		take(&leaf, deed[i].kind, AUDIT_OUTCOME, REASON_OK, deed[i].to, "");
		unlocked(&leaf, "L-1", 1, true);
		assert_int_equal(leaf.n_put_back, deed[i].anew ? 0 : 1);
	}
}

static void another_lease_is_another_check_out(void **state)
{
	struct report_leaf leaf = { 0 };

	(void)state;
	unlocked(&leaf, "L-1", 7, true);
	unlocked(&leaf, "L-2", 1, true);
	assert_int_equal(leaf.n_put_back, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_session_that_goes_back_was_put_back),
		cmocka_unit_test(a_refused_unlock_is_nothing),
		cmocka_unit_test(a_session_begins_anew_with_another_leaf),
		cmocka_unit_test(another_lease_is_another_check_out),
	};

	return cmocka_run_group_tests_name("report_leaf", tests, NULL, NULL);
}
