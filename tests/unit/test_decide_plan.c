#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "roles/decide_plan.h"
#include "tests/unit/plan_lab.h"

static const struct decide_net NOTHING = { 0 };

static void begins_by_closing(void **state)
{
	struct decide_plan p;
	struct msg_net_state s;

	(void)state;
	decide_plan_init(&p, 7);
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 10, true), PLAN_SEND);
	s = send_now(&p, 10);
	assert_int_equal(s.n_grants, 0);
	assert_int_equal(s.tightens, 1);
}

static void asleep_the_links_are_down_and_nothing_is_granted(void **state)
{
	struct decide_plan p = started();
	struct msg_net_state s;
	uint32_t epoch = p.epoch;

	(void)state;
	decide_plan_links(&p, true);
	want(&p, (struct decide_net){ 0 });
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_SEND);
	s = send_now(&p, 20);
	assert_int_equal(s.links_down, 1);
	assert_int_equal(s.n_grants, 0);
	assert_int_not_equal(s.epoch, epoch);
	decide_plan_links(&p, false);
	assert_int_equal(send_now(&p, 30).links_down, 0);
}

static void loosens_only_after_every_intent_is_on_disk(void **state)
{
	struct decide_plan p = started();

	(void)state;
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_INTENT);
	assert_int_equal(p.intended.n_grants, 2);
	decide_plan_intend(&p, 100, 2, 20);
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_WAIT);
	assert_true(decide_plan_audited(&p, 100, 0, 21));
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_WAIT);
	assert_true(decide_plan_audited(&p, 101, 0, 22));
	assert_int_equal(decide_plan_next(&p, 22, true), PLAN_SEND);
	assert_int_equal(send_now(&p, 22).n_grants, 2);
	assert_int_equal(p.opened.n_grants, 2);
}

static void answers_about_other_records_open_nothing(void **state)
{
	struct decide_plan p = started();

	(void)state;
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 2, 20);
	assert_false(decide_plan_audited(&p, 99, 0, 21));
	assert_false(decide_plan_audited(&p, 102, 0, 21));
	assert_true(decide_plan_audited(&p, 100, 0, 21));
	assert_true(decide_plan_audited(&p, 100, 0, 21)); /* the same one twice */
	assert_int_equal(decide_plan_next(&p, 22, true), PLAN_WAIT);
}

static void without_audit_nothing_opens(void **state)
{
	struct decide_plan p = started();

	(void)state;
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 20, false), PLAN_WAIT);
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 1, 20);
	assert_true(decide_plan_audited(&p, 100, -EIO, 21));
	assert_true(p.audit_failed);
	assert_int_equal(decide_plan_next(&p, 22, true), PLAN_WAIT);
	/* and later it is asked again */
	assert_int_equal(decide_plan_next(&p, 21 + PLAN_RETRY_MS, true), PLAN_INTENT);
}

static void an_intent_without_answer_opens_nothing(void **state)
{
	struct decide_plan p = started();

	(void)state;
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 1, 20);
	static_assert(PLAN_INTENT_MS < PLAN_RENEW_MS, "the next step is after both");
	assert_int_equal(decide_plan_next(&p, 20 + PLAN_RENEW_MS, false), PLAN_SEND); /* renewal */
	assert_int_equal(send_now(&p, 20 + PLAN_RENEW_MS).n_grants, 0);
	assert_false(decide_plan_audited(&p, 100, 0, 30 + PLAN_RENEW_MS));
	assert_true(p.audit_failed);
}

static void tightens_in_the_same_step_even_while_nft_is_late(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);
	uint32_t epoch = p.epoch;
	struct msg_net_state s;

	(void)state;
	assert_int_equal(decide_plan_next(&p, 20 + PLAN_RENEW_MS, true), PLAN_SEND);
	send_now(&p, 20 + PLAN_RENEW_MS); /* under way, no answer */
	want(&p, NOTHING);
	assert_int_equal(decide_plan_next(&p, 21 + PLAN_RENEW_MS, true), PLAN_SEND);
	s = send_now(&p, 21 + PLAN_RENEW_MS);
	assert_int_equal(s.n_grants, 0);
	assert_int_equal(s.tightens, 1);
	assert_int_not_equal(s.epoch, epoch);
	assert_int_equal(p.closed.n_grants, 2);
}

static void a_grant_that_went_and_came_back_needs_a_new_intent(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	want(&p, NOTHING);
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_SEND);
	assert_int_equal(send_now(&p, 21).n_grants, 0);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_INTENT);
}

static void a_port_that_changes_its_class_is_closed_first(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);
	struct decide_net net = personal_open();
	struct msg_net_state s;

	(void)state;
	for (uint32_t i = 0; i < net.n_grants; i++)
		net.grant[i].net_class = NET_CLASS_WORK;
	want(&p, net);
	assert_int_equal(decide_plan_next(&p, 30, true), PLAN_SEND);
	s = send_now(&p, 30);
	assert_int_equal(s.n_grants, 0);
	assert_int_equal(s.tightens, 1);
	assert_int_equal(decide_plan_next(&p, 30, true), PLAN_INTENT);
}

static void what_stops_being_wanted_while_its_intent_is_written_stays_closed(void **state)
{
	struct decide_plan p = started();

	(void)state;
	want(&p, personal_open());
	assert_int_equal(decide_plan_next(&p, 20, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 1, 20);
	want(&p, NOTHING);
	assert_true(decide_plan_audited(&p, 100, 0, 21));
	assert_int_equal(decide_plan_next(&p, 22, true), PLAN_WAIT);
	assert_int_equal(p.allowed.n_grants, 0);
}

static void a_new_nft_is_told_at_once(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	send_now(&p, 4000);
	decide_plan_peer(&p);
	assert_false(p.up);
	assert_int_equal(decide_plan_next(&p, 4001, true), PLAN_SEND);
	assert_int_equal(send_now(&p, 4001).tightens, 1);
}

static void other_prefixes_end_the_grants_that_leave_them_out(void **state)
{
	const struct msg_prefix prefix = { .family = 2, .len_bits = 8, .address = { 10 } };
	struct decide_plan p = opened(personal_open(), 20);
	struct decide_net same = personal_open();

	(void)state;
	decide_plan_want(&p, &same, &prefix, 1);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_SEND);
	assert_false(decide_plan_holds(&p.allowed, &same.grant[0]));
	send_now(&p, 21);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_INTENT);
}

static void other_endpoints_end_the_grants_that_are_for_them(void **state)
{
	const struct msg_endpoint one = {
		.family = 2, .protocol = 17, .port = 1, .address = { 9 }
	};
	struct decide_plan p = opened(work_vpn(), 20);
	struct decide_net same = work_vpn();
	struct msg_net_state s;
	uint32_t epoch = p.epoch;

	(void)state;
	decide_plan_endpoints(&p, p.endpoint, p.n_endpoints);
	decide_plan_want(&p, &same, p.prefix, p.n_prefixes);
	assert_true(decide_plan_holds(&p.allowed, &same.grant[0])); /* the same are no news */
	decide_plan_endpoints(&p, &one, 1);
	decide_plan_want(&p, &same, p.prefix, p.n_prefixes);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_SEND);
	s = send_now(&p, 21);
	assert_int_equal(s.n_grants, 0);
	assert_int_equal(s.n_endpoints, 1);
	assert_int_equal(s.tightens, 1);
	assert_int_not_equal(s.epoch, epoch);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_INTENT);
}

static void endpoints_change_for_a_tunnel_too_that_no_grant_is_for(void **state)
{
	const struct msg_endpoint one = {
		.family = 2, .protocol = 17, .port = 1, .address = { 9 }
	};
	struct decide_plan p = opened(personal_open(), 20);

	(void)state;
	decide_plan_endpoints(&p, &one, 1);
	assert_int_equal(decide_plan_next(&p, 21, true), PLAN_SEND);
	assert_int_equal(send_now(&p, 21).tightens, 1);
}

static void an_error_of_nft_is_told_and_old_answers_are_not(void **state)
{
	struct decide_plan p = opened(personal_open(), 20);
	uint32_t id;

	(void)state;
	assert_int_equal(decide_plan_next(&p, 4000, true), PLAN_SEND);
	id = send_now(&p, 4000).id;
	assert_int_equal(decide_plan_acked(&p, id - 1, 0, 4001), PLAN_ACK_STALE);
	assert_int_equal(decide_plan_acked(&p, id + 1, 0, 4001), PLAN_ACK_STALE);
	assert_int_equal(decide_plan_acked(&p, id, -EINVAL, 4001), PLAN_ACK_FAILED);
	assert_false(p.up);
}

static void epochs_stay_in_their_sixteen_bits(void **state)
{
	struct decide_plan p;

	(void)state;
	decide_plan_init(&p, 0xfffffffe);
	for (unsigned i = 0; i < 0x20000; i++) {
		uint32_t before = p.epoch;

		decide_plan_sent(&p, i);
		decide_plan_peer(&p);
		assert_true(p.epoch >= 1 && p.epoch <= 0xffff && p.epoch != before);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(begins_by_closing),
		cmocka_unit_test(asleep_the_links_are_down_and_nothing_is_granted),
		cmocka_unit_test(loosens_only_after_every_intent_is_on_disk),
		cmocka_unit_test(answers_about_other_records_open_nothing),
		cmocka_unit_test(without_audit_nothing_opens),
		cmocka_unit_test(an_intent_without_answer_opens_nothing),
		cmocka_unit_test(tightens_in_the_same_step_even_while_nft_is_late),
		cmocka_unit_test(a_grant_that_went_and_came_back_needs_a_new_intent),
		cmocka_unit_test(a_port_that_changes_its_class_is_closed_first),
		cmocka_unit_test(what_stops_being_wanted_while_its_intent_is_written_stays_closed),
		cmocka_unit_test(a_new_nft_is_told_at_once),
		cmocka_unit_test(other_prefixes_end_the_grants_that_leave_them_out),
		cmocka_unit_test(other_endpoints_end_the_grants_that_are_for_them),
		cmocka_unit_test(endpoints_change_for_a_tunnel_too_that_no_grant_is_for),
		cmocka_unit_test(an_error_of_nft_is_told_and_old_answers_are_not),
		cmocka_unit_test(epochs_stay_in_their_sixteen_bits),
	};

	return cmocka_run_group_tests_name("decide_plan", tests, NULL, NULL);
}
