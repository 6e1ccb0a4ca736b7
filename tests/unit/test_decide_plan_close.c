/* How long a message that closes waits for nft. */
#include "tests/unit/plan_lab.h"

enum { AT = 5000 };

static const struct decide_net NOTHING = { 0 };

/* Open, and closed again at AT, which nft does not answer. */
static struct decide_plan closing(void)
{
	struct decide_plan p = opened(personal_open(), 1000);

	want(&p, NOTHING);
	assert_int_equal(decide_plan_next(&p, AT, true), PLAN_SEND);
	(void)send_now(&p, AT);
	return p;
}

static void what_closes_without_an_answer_is_stuck_once(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_false(decide_plan_stuck(&p, AT + PATIENCE_MS - 1));
	assert_int_equal(decide_plan_wake(&p, true), AT + PATIENCE_MS);
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
	assert_false(decide_plan_stuck(&p, AT + 10 * PATIENCE_MS));
	assert_true(decide_plan_wake(&p, true) > AT + PATIENCE_MS);
}

static void what_was_answered_in_time_is_not_stuck(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_int_equal(decide_plan_acked(&p, p.last_id, 0, AT + 1), PLAN_ACK_OK);
	assert_false(decide_plan_stuck(&p, AT + 10 * PATIENCE_MS));
}

static void a_renewal_or_a_loosening_without_an_answer_is_not_stuck(void **state)
{
	struct decide_plan p = opened(personal_open(), 1000);

	(void)state;
	assert_int_equal(decide_plan_next(&p, 1000 + PLAN_RENEW_MS, true), PLAN_SEND);
	(void)send_now(&p, 1000 + PLAN_RENEW_MS);
	assert_false(decide_plan_stuck(&p, 1000 + PLAN_ACK_MS));
}

/* The time of the oldest that is open still counts, and not that of the newest. */
static void another_that_closes_does_not_prolong_it(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	decide_plan_links(&p, false);
	(void)send_now(&p, AT + 10);
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
}

static void an_answer_to_a_message_before_it_gives_it_its_time_again(void **state)
{
	struct decide_plan p = opened(personal_open(), 1000);
	uint32_t renewal;

	(void)state;
	renewal = send_now(&p, AT - 1).id;
	want(&p, NOTHING);
	(void)send_now(&p, AT);
	assert_int_equal(decide_plan_acked(&p, renewal, 0, AT + 40), PLAN_ACK_STALE);
	assert_false(decide_plan_stuck(&p, AT + PATIENCE_MS));
	assert_true(decide_plan_stuck(&p, AT + 40 + PATIENCE_MS));
}

/* It loads closed rules first, however long that takes. */
static void a_new_nft_has_all_the_time_to_start(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	decide_plan_peer(&p);
	(void)send_now(&p, AT + 10);
	assert_false(decide_plan_stuck(&p, AT + PLAN_ACK_MS));
}

static void what_closes_and_finds_nobody_is_stuck_as_well(void **state)
{
	struct decide_plan p = opened(personal_open(), 1000);

	(void)state;
	want(&p, NOTHING);
	decide_plan_unsent(&p, AT); /* a new one is started: time for that */
	assert_int_equal(decide_plan_wake(&p, true), AT + PLAN_LINKS_MS);
	assert_false(decide_plan_stuck(&p, AT + PLAN_LINKS_MS - 1));
	assert_true(decide_plan_stuck(&p, AT + PLAN_LINKS_MS));
}

static void an_answer_to_what_was_sent_before_closes_nothing_that_was_not_sent(void **state)
{
	struct decide_plan p = opened(personal_open(), 1000);
	uint32_t renewal = send_now(&p, AT - 1).id;

	(void)state;
	want(&p, NOTHING);
	decide_plan_unsent(&p, AT); /* its socket is full */
	assert_int_equal(decide_plan_acked(&p, renewal, 0, AT + 10), PLAN_ACK_OK);
	assert_true(decide_plan_stuck(&p, AT + 10 + PATIENCE_MS));
}

static void what_the_kernel_refuses_to_close_is_stuck_as_well(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_int_equal(decide_plan_acked(&p, p.last_id, -EBUSY, AT + 1), PLAN_ACK_FAILED);
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
}

/* A card takes its time to go down. */
static void what_moves_the_links_has_longer(void **state)
{
	struct decide_plan p = opened(personal_open(), 1000);

	(void)state;
	decide_plan_links(&p, true);
	(void)send_now(&p, AT);
	assert_false(decide_plan_stuck(&p, AT + PATIENCE_MS));
	assert_true(decide_plan_stuck(&p, AT + PLAN_LINKS_MS));
}

/* This process was stopped itself: nft's answer may come any moment. */
static void who_was_late_himself_waits_anew(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	decide_plan_forgive(&p, AT + 9000);
	assert_false(decide_plan_stuck(&p, AT + 9000));
	assert_true(decide_plan_stuck(&p, AT + 9000 + PATIENCE_MS));
}

/* A new nft, which answers after so long to what closes. Is that in time? */
static bool answers_after(struct decide_plan *p, uint64_t now, uint64_t ms)
{
	uint32_t id;

	decide_plan_peer(p);
	assert_int_equal(decide_plan_acked(p, send_now(p, now).id, 0, now), PLAN_ACK_OK);
	decide_plan_links(p, false);
	id = send_now(p, now).id;
	if (decide_plan_stuck(p, now + ms))
		return false;
	(void)decide_plan_acked(p, id, 0, now + ms);
	return true;
}

static void a_slow_machine_gets_longer(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
	assert_false(answers_after(&p, AT + 1000, 3 * PATIENCE_MS)); /* longer than twice */
	assert_true(answers_after(&p, AT + 2000, 3 * PATIENCE_MS));
	assert_true(answers_after(&p, AT + 3000, 1));
	assert_true(answers_after(&p, AT + 4000, 3 * PATIENCE_MS)); /* one quick answer is none */
}

static void no_machine_gets_as_long_as_a_lease(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
	for (unsigned i = 1; i < 20; i++)
		assert_false(answers_after(&p, AT + 10000 * i, PLAN_GRANT_MS / 2));
}

/* Whoever ends everything goes by it: no is the safe answer. */
static void closed_is_what_nft_says_and_nothing_else(void **state)
{
	struct decide_plan p = closing();

	(void)state;
	assert_false(decide_plan_closed(&p));
	assert_true(decide_plan_stuck(&p, AT + PATIENCE_MS));
	assert_false(decide_plan_closed(&p));
	assert_int_equal(decide_plan_acked(&p, p.last_id, 0, AT + 1000), PLAN_ACK_OK); /* late */
	assert_true(decide_plan_closed(&p));

	p = closing();
	assert_int_equal(decide_plan_acked(&p, p.last_id, -EBUSY, AT + 1), PLAN_ACK_FAILED);
	assert_false(decide_plan_closed(&p));

	p = closing();
	decide_plan_peer(&p);
	assert_false(decide_plan_closed(&p));
	(void)send_now(&p, AT + 1);
	assert_false(decide_plan_closed(&p));
	assert_int_equal(decide_plan_acked(&p, p.last_id, 0, AT + 2), PLAN_ACK_OK);
	assert_true(decide_plan_closed(&p));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_closes_without_an_answer_is_stuck_once),
		cmocka_unit_test(what_was_answered_in_time_is_not_stuck),
		cmocka_unit_test(a_renewal_or_a_loosening_without_an_answer_is_not_stuck),
		cmocka_unit_test(another_that_closes_does_not_prolong_it),
		cmocka_unit_test(an_answer_to_a_message_before_it_gives_it_its_time_again),
		cmocka_unit_test(a_new_nft_has_all_the_time_to_start),
		cmocka_unit_test(what_closes_and_finds_nobody_is_stuck_as_well),
		cmocka_unit_test(
			an_answer_to_what_was_sent_before_closes_nothing_that_was_not_sent),
		cmocka_unit_test(what_the_kernel_refuses_to_close_is_stuck_as_well),
		cmocka_unit_test(what_moves_the_links_has_longer),
		cmocka_unit_test(who_was_late_himself_waits_anew),
		cmocka_unit_test(a_slow_machine_gets_longer),
		cmocka_unit_test(no_machine_gets_as_long_as_a_lease),
		cmocka_unit_test(closed_is_what_nft_says_and_nothing_else),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
