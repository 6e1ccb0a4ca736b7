/* Renewals of grants: in time, few of them, and who waits for their answers. */
#include "tests/unit/plan_lab.h"

static void renews_in_time_and_keeps_the_epoch(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);
	struct msg_net_state s;

	(void)state;
	assert_true(PLAN_RENEW_MS + PLAN_RETRY_MS < PLAN_GRANT_MS);
	assert_true(PLAN_RENEW_MS - PLAN_EARLY_MS < (int)BEAT_SLOW_MS &&
		    (int)BEAT_SLOW_MS < PLAN_RENEW_MS);
	assert_int_equal(decide_plan_wake(&p, true), 20 + PLAN_RENEW_MS);
	assert_int_equal(decide_plan_next(&p, 19 + PLAN_RENEW_MS - PLAN_EARLY_MS, true), PLAN_WAIT);
	assert_int_equal(decide_plan_next(&p, 20 + PLAN_RENEW_MS - PLAN_EARLY_MS, true), PLAN_SEND);
	decide_plan_build(&p, 5000, &s);
	assert_int_equal(s.epoch, p.epoch);
	assert_int_equal(s.tightens, 0);
	assert_int_equal(s.n_grants, 2);
	assert_int_equal(s.grant[0].timeout_ms, PLAN_GRANT_MS);
	assert_int_equal(s.wall_bound_s, 5000 + PLAN_BOUND_S);
}

static void the_answer_to_a_mere_renewal_wakes_nobody(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);
	uint32_t id;

	(void)state;
	assert_true(decide_plan_listens(&p)); /* for news, while nothing is under way */
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	id = send_now(&p, 4000).id;
	assert_false(decide_plan_listens(&p));
	assert_int_equal(decide_plan_wake(&p, true), 4000 + PLAN_RENEW_MS);
	assert_int_equal(decide_plan_next(&p, 7500, true), PLAN_WAIT); /* it was not read yet */
	assert_int_equal(decide_plan_acked(&p, id, 0, 7500), PLAN_ACK_OK);
	assert_int_equal(decide_plan_next(&p, 7500, true), PLAN_SEND);
}

static void a_late_answer_to_a_renewal_is_waited_for(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	assert_int_equal(decide_plan_next(&p, 4000 + PLAN_RENEW_MS, true), PLAN_WAIT);
	assert_true(decide_plan_listens(&p));
	assert_int_equal(decide_plan_wake(&p, true), 4000 + PLAN_ACK_MS + 1);
}

static void every_other_answer_is_waited_for(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	want(&p, work_vpn()); /* a tightening, and then a loosening behind the renewal */
	assert_int_equal(decide_plan_next(&p, 4001, true), PLAN_SEND);
	send_now(&p, 4001);
	assert_true(decide_plan_listens(&p));
	p = started();
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	assert_false(decide_plan_listens(&p));
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 4001, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 1, 4001);
	assert_true(decide_plan_listens(&p));
	p = started();
	p.due = true;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	assert_true(decide_plan_listens(&p));
}

static void does_not_pile_renewals_before_a_silent_nft(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	for (uint64_t now = 4000; now < 60000; now += 500)
		assert_int_equal(decide_plan_next(&p, now, true), PLAN_WAIT);
	assert_false(decide_plan_overdue(&p, 4000 + PLAN_ACK_MS));
	assert_true(decide_plan_overdue(&p, 4001 + PLAN_ACK_MS));
	decide_plan_forgive(&p, 70000);
	assert_false(decide_plan_overdue(&p, 70001));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(renews_in_time_and_keeps_the_epoch),
		cmocka_unit_test(the_answer_to_a_mere_renewal_wakes_nobody),
		cmocka_unit_test(a_late_answer_to_a_renewal_is_waited_for),
		cmocka_unit_test(every_other_answer_is_waited_for),
		cmocka_unit_test(does_not_pile_renewals_before_a_silent_nft),
	};

	return cmocka_run_group_tests_name("decide_plan_renew", tests, NULL, NULL);
}
