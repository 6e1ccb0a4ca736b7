/* When the supervisor asks decide, and when it waits for the answer no longer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "roles/supervisor_watch.h"

enum { AT = 5000 };

/* Started, and it has answered for the first time, however late. */
static struct supervisor_watch met(void)
{
	struct supervisor_watch w = { 0 };
	bool ask;

	supervisor_watch_started(&w);
	assert_true(supervisor_watch_answered(&w, AT - 1, &ask));
	assert_false(ask);
	return w;
}

static void news_are_asked_about_and_an_answer_in_time_ends_it(void **state)
{
	struct supervisor_watch w = met();
	bool ask;

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_over(&w, AT + PATIENCE_MS - 1, false));
	assert_true(supervisor_watch_answered(&w, AT + PATIENCE_MS - 1, &ask));
	assert_false(ask);
	assert_false(supervisor_watch_over(&w, AT + PATIENCE_MS, false));
}

static void without_an_answer_it_is_over_once(void **state)
{
	struct supervisor_watch w = met();

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_true(supervisor_watch_over(&w, AT + PATIENCE_MS, false));
	assert_false(supervisor_watch_over(&w, AT + 2 * PATIENCE_MS, false));
}

/* The answer may be older than what came after the question. */
static void news_behind_a_question_are_asked_about_anew(void **state)
{
	struct supervisor_watch w = met();
	bool ask;

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_news(&w, AT + 10));
	assert_true(supervisor_watch_answered(&w, AT + 20, &ask));
	assert_true(ask);
	assert_false(supervisor_watch_over(&w, AT + 20 + PATIENCE_MS - 1, false));
	assert_true(supervisor_watch_over(&w, AT + 20 + PATIENCE_MS, false));
}

static void more_news_do_not_prolong_it(void **state)
{
	struct supervisor_watch w = met();

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_news(&w, AT + PATIENCE_MS - 1));
	assert_true(supervisor_watch_over(&w, AT + PATIENCE_MS, false));
}

static void one_that_starts_has_all_its_time_and_is_asked_again(void **state)
{
	struct supervisor_watch w = { 0 };
	bool ask;

	(void)state;
	assert_false(supervisor_watch_news(&w, AT)); /* there is none */
	supervisor_watch_started(&w);
	assert_false(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_over(&w, AT + 60000, false));
	assert_true(supervisor_watch_answered(&w, AT + 60000, &ask));
	assert_true(ask);
	assert_true(supervisor_watch_over(&w, AT + 60000 + PATIENCE_MS, false));
}

static void nothing_is_awaited_of_one_that_ended(void **state)
{
	struct supervisor_watch w = met();

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	supervisor_watch_ended(&w);
	assert_false(supervisor_watch_over(&w, AT + PATIENCE_MS, false));
	assert_false(supervisor_watch_news(&w, AT + PATIENCE_MS));
}

static void an_answer_to_no_question_is_none(void **state)
{
	struct supervisor_watch w = met();
	bool ask;

	(void)state;
	assert_false(supervisor_watch_answered(&w, AT, &ask));
}

/* All of us were stopped: decide is waking up, too. */
static void who_was_stopped_itself_gives_the_time_again(void **state)
{
	struct supervisor_watch w = met();
	uint64_t late = AT + PATIENCE_MS + SUPERVISOR_WATCH_LATE_MS;

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_over(&w, late, false));
	assert_false(supervisor_watch_over(&w, late + PATIENCE_MS - 1, false));
	assert_true(supervisor_watch_over(&w, late + PATIENCE_MS, false));
}

/* A machine that lets it wait for a CPU is no decide that hangs; one that turns in a circle is. */
static void who_waits_for_a_cpu_gets_longer_within_bounds(void **state)
{
	struct supervisor_watch w = met();
	uint64_t at = AT;
	bool ask;

	(void)state;
	assert_true(supervisor_watch_news(&w, at));
	assert_false(supervisor_watch_due(&w, at + PATIENCE_MS - 1));
	for (at += PATIENCE_MS; at < AT + SUPERVISOR_WATCH_MOST_MS; at += SUPERVISOR_WATCH_AGAIN_MS)
		assert_false(supervisor_watch_over(&w, at, true));
	assert_true(supervisor_watch_over(&w, at, true));
	assert_false(supervisor_watch_due(&w, at));

	w = met();
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_over(&w, AT + PATIENCE_MS, true));
	assert_true(supervisor_watch_over(&w, AT + PATIENCE_MS + SUPERVISOR_WATCH_AGAIN_MS, false));

	w = met();
	assert_true(supervisor_watch_news(&w, AT));
	assert_false(supervisor_watch_over(&w, AT + PATIENCE_MS, true));
	assert_true(supervisor_watch_answered(&w, AT + PATIENCE_MS + 1, &ask));
	assert_false(supervisor_watch_due(&w, AT + SUPERVISOR_WATCH_MOST_MS));
}

/* Somebody else has waited for it already: it hangs, or it waits for a CPU now that it was asked. */
static void a_doubt_is_judged_at_once(void **state)
{
	struct supervisor_watch w = { 0 };
	uint64_t at = AT;
	bool ask;

	(void)state;
	assert_true(supervisor_watch_doubt(&w, AT));
	assert_false(supervisor_watch_doubt(&w, AT));
	assert_true(supervisor_watch_over(&w, AT, false));

	w = (struct supervisor_watch){ 0 };
	assert_true(supervisor_watch_doubt(&w, AT));
	assert_false(supervisor_watch_over(&w, AT, true));
	assert_true(supervisor_watch_answered(&w, AT + 5, &ask));
	assert_false(ask);
	assert_false(supervisor_watch_due(&w, AT + SUPERVISOR_WATCH_MOST_MS));

	assert_true(supervisor_watch_doubt(&w, AT));
	for (; at < AT + SUPERVISOR_WATCH_MOST_MS; at += SUPERVISOR_WATCH_AGAIN_MS)
		assert_false(supervisor_watch_over(&w, at, true));
	assert_true(supervisor_watch_over(&w, at, true));
}

/* A successor on the same machine: what was learnt of the machine stays. */
static void a_slow_machine_gets_longer_each_time(void **state)
{
	struct supervisor_watch w = met();
	bool ask;

	(void)state;
	assert_true(supervisor_watch_news(&w, AT));
	assert_true(supervisor_watch_over(&w, AT + PATIENCE_MS, false));
	supervisor_watch_ended(&w);
	supervisor_watch_started(&w);
	assert_true(supervisor_watch_answered(&w, AT + 1000, &ask));
	assert_true(supervisor_watch_news(&w, AT + 2000));
	assert_false(supervisor_watch_over(&w, AT + 2000 + 2 * PATIENCE_MS - 1, false));
	assert_true(supervisor_watch_answered(&w, AT + 2000 + 2 * PATIENCE_MS - 1, &ask));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(news_are_asked_about_and_an_answer_in_time_ends_it),
		cmocka_unit_test(without_an_answer_it_is_over_once),
		cmocka_unit_test(news_behind_a_question_are_asked_about_anew),
		cmocka_unit_test(more_news_do_not_prolong_it),
		cmocka_unit_test(one_that_starts_has_all_its_time_and_is_asked_again),
		cmocka_unit_test(nothing_is_awaited_of_one_that_ended),
		cmocka_unit_test(an_answer_to_no_question_is_none),
		cmocka_unit_test(who_was_stopped_itself_gives_the_time_again),
		cmocka_unit_test(who_waits_for_a_cpu_gets_longer_within_bounds),
		cmocka_unit_test(a_doubt_is_judged_at_once),
		cmocka_unit_test(a_slow_machine_gets_longer_each_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
