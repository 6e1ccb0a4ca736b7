/* What nft found is kept and told until it is recorded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "roles/supervisor_tamper.h"

enum { AT = 5000 };

static void keep(struct supervisor_tamper *t, unsigned pid)
{
	const struct msg_tamper found = { .kind = NET_TAMPER_RULES, .pid = pid, .process = "nft" };

	supervisor_tamper_keep(t, &found, AT);
}

/* All that is told at this time; how many. */
static unsigned tell(struct supervisor_tamper *t, uint64_t now,
		     struct msg_sup ret[SUPERVISOR_TAMPER_KEPT])
{
	unsigned n = 0;

	if (!supervisor_tamper_due(t, now))
		return 0;
	while (supervisor_tamper_next(t, n, &ret[n]))
		n++;
	return n;
}

static void nothing_found_is_never_told(void **state)
{
	struct supervisor_tamper t = { 0 };

	(void)state;
	supervisor_tamper_again(&t, AT);
	assert_false(supervisor_tamper_due(&t, AT));
}

static void a_finding_is_told_at_once_and_marked_when_told_again(void **state)
{
	struct msg_sup msg[SUPERVISOR_TAMPER_KEPT];
	struct supervisor_tamper t = { 0 };

	(void)state;
	keep(&t, 7);
	assert_int_equal(tell(&t, AT, msg), 1);
	assert_int_equal(msg[0].verb, SUP_TAMPER);
	assert_int_equal(msg[0].what, 0);
	assert_int_equal(msg[0].tamper.pid, 7);
	assert_int_equal(tell(&t, AT + SUPERVISOR_TAMPER_AGAIN_MS - 1, msg), 0);
	assert_int_equal(tell(&t, AT + SUPERVISOR_TAMPER_AGAIN_MS, msg), 1);
	assert_int_equal(msg[0].what, 1);
}

static void a_successor_is_told_at_once(void **state)
{
	struct msg_sup msg[SUPERVISOR_TAMPER_KEPT];
	struct supervisor_tamper t = { 0 };

	(void)state;
	keep(&t, 7);
	(void)tell(&t, AT, msg);
	supervisor_tamper_again(&t, AT + 1);
	assert_int_equal(tell(&t, AT + 1, msg), 1);
	assert_int_equal(msg[0].what, 1);
}

static void what_is_recorded_is_told_no_more_and_the_rest_is(void **state)
{
	struct msg_sup msg[SUPERVISOR_TAMPER_KEPT];
	struct supervisor_tamper t = { 0 };

	(void)state;
	for (unsigned pid = 1; pid <= 3; pid++)
		keep(&t, pid);
	assert_int_equal(tell(&t, AT, msg), 3);
	supervisor_tamper_recorded(&t, msg[1].id);
	supervisor_tamper_recorded(&t, msg[1].id); /* it was told twice, and recorded twice */
	supervisor_tamper_recorded(&t, 0);
	supervisor_tamper_again(&t, AT);
	assert_int_equal(tell(&t, AT, msg), 2);
	assert_int_equal(msg[0].tamper.pid, 1);
	assert_int_equal(msg[1].tamper.pid, 3);
}

/* The answer to what was told before does not end what has been counted since. */
static void what_finds_no_room_is_counted(void **state)
{
	struct msg_sup msg[SUPERVISOR_TAMPER_KEPT];
	struct supervisor_tamper t = { 0 };

	(void)state;
	for (unsigned pid = 1; pid <= SUPERVISOR_TAMPER_KEPT; pid++)
		keep(&t, pid);
	assert_int_equal(tell(&t, AT, msg), SUPERVISOR_TAMPER_KEPT);
	keep(&t, 100);
	keep(&t, 101);
	for (unsigned i = 0; i < SUPERVISOR_TAMPER_KEPT; i++)
		supervisor_tamper_recorded(&t, msg[i].id);
	assert_int_equal(tell(&t, AT, msg), 1);
	assert_int_equal(msg[0].tamper.pid, SUPERVISOR_TAMPER_KEPT);
	assert_int_equal(msg[0].tamper.n_more, 2);
	assert_int_equal(msg[0].what, 1);
	supervisor_tamper_recorded(&t, msg[0].id);
	assert_false(supervisor_tamper_due(&t, UINT64_MAX));
}

static void ids_are_never_0(void **state)
{
	struct msg_sup msg[SUPERVISOR_TAMPER_KEPT];
	struct supervisor_tamper t = { .last_id = UINT32_MAX };

	(void)state;
	keep(&t, 7);
	assert_int_equal(tell(&t, AT, msg), 1);
	assert_int_equal(msg[0].id, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_found_is_never_told),
		cmocka_unit_test(a_finding_is_told_at_once_and_marked_when_told_again),
		cmocka_unit_test(a_successor_is_told_at_once),
		cmocka_unit_test(what_is_recorded_is_told_no_more_and_the_rest_is),
		cmocka_unit_test(what_finds_no_room_is_counted),
		cmocka_unit_test(ids_are_never_0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
