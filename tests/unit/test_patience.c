/* How the time of an answer adapts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/patience.h"

enum { AT = 5000 };

/* How long the next answer may take. */
static uint64_t time_of(struct patience *p)
{
	patience_begin(p, AT, 0);
	return p->by_boot_ms - AT;
}

static void take(struct patience *p, uint64_t ms)
{
	patience_begin(p, AT, 0);
	patience_end(p, AT + ms);
}

/* Too short so often. */
static struct patience slow(unsigned n)
{
	struct patience p = { 0 };

	while (n-- > 0)
		assert_true(patience_over(&p, AT + time_of(&p)));
	return p;
}

static void an_answer_in_time_is_not_over(void **state)
{
	struct patience p = { 0 };

	(void)state;
	patience_begin(&p, AT, 0);
	assert_false(patience_over(&p, AT + PATIENCE_MS - 1));
	patience_end(&p, AT + PATIENCE_MS - 1);
	assert_false(patience_over(&p, AT + PATIENCE_MS));
}

static void it_is_over_once_and_then_twice_as_long(void **state)
{
	struct patience p = { 0 };

	(void)state;
	patience_begin(&p, AT, 0);
	assert_true(patience_over(&p, AT + PATIENCE_MS));
	assert_false(patience_over(&p, AT + PATIENCE_MS));
	assert_int_equal(time_of(&p), 2 * PATIENCE_MS);
}

static void it_does_not_grow_for_ever(void **state)
{
	struct patience p = slow(100);

	(void)state;
	assert_int_equal(time_of(&p), PATIENCE_MS << PATIENCE_LATER);
}

static void who_needs_longer_at_least_gets_it(void **state)
{
	struct patience p = { 0 };

	(void)state;
	patience_begin(&p, AT, 1000);
	assert_int_equal(p.by_boot_ms, AT + 1000);
	p = slow(PATIENCE_LATER);
	patience_begin(&p, AT, 1000);
	assert_int_equal(p.by_boot_ms, AT + (PATIENCE_MS << PATIENCE_LATER));
}

static void many_quick_answers_in_a_row_halve_it(void **state)
{
	struct patience p = slow(2);

	(void)state;
	for (unsigned i = 1; i < PATIENCE_QUICK; i++)
		take(&p, PATIENCE_MS - 1);
	assert_int_equal(time_of(&p), 4 * PATIENCE_MS);
	take(&p, PATIENCE_MS - 1);
	assert_int_equal(time_of(&p), 2 * PATIENCE_MS);
}

static void a_slow_one_between_them_begins_the_row_anew(void **state)
{
	struct patience p = slow(2);

	(void)state;
	for (unsigned i = 1; i < PATIENCE_QUICK; i++)
		take(&p, 1);
	take(&p, PATIENCE_MS); /* a quarter of it: not quick */
	for (unsigned i = 1; i < PATIENCE_QUICK; i++)
		take(&p, 1);
	assert_int_equal(time_of(&p), 4 * PATIENCE_MS);
}

static void one_that_was_over_begins_it_anew_too(void **state)
{
	struct patience p = slow(1);

	(void)state;
	for (unsigned i = 1; i < PATIENCE_QUICK; i++)
		take(&p, 1);
	assert_true(patience_over(&p, AT + time_of(&p)));
	take(&p, 1);
	assert_int_equal(time_of(&p), 4 * PATIENCE_MS);
}

static void a_quick_machine_keeps_the_shortest(void **state)
{
	struct patience p = { 0 };

	(void)state;
	for (unsigned i = 0; i < 3 * PATIENCE_QUICK; i++)
		take(&p, 1);
	assert_int_equal(time_of(&p), PATIENCE_MS);
}

static void an_answer_that_nobody_awaits_counts_for_nothing(void **state)
{
	struct patience p = slow(1);

	(void)state;
	for (unsigned i = 0; i < 3 * PATIENCE_QUICK; i++)
		patience_end(&p, 1);
	assert_int_equal(time_of(&p), 2 * PATIENCE_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_in_time_is_not_over),
		cmocka_unit_test(it_is_over_once_and_then_twice_as_long),
		cmocka_unit_test(it_does_not_grow_for_ever),
		cmocka_unit_test(who_needs_longer_at_least_gets_it),
		cmocka_unit_test(many_quick_answers_in_a_row_halve_it),
		cmocka_unit_test(a_slow_one_between_them_begins_the_row_anew),
		cmocka_unit_test(one_that_was_over_begins_it_anew_too),
		cmocka_unit_test(a_quick_machine_keeps_the_shortest),
		cmocka_unit_test(an_answer_that_nobody_awaits_counts_for_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
