#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/pairs.h"

static struct msg_net_state granted(uint32_t net_class)
{
	return (struct msg_net_state){
		.epoch = 1,
		.n_grants = 2,
		.grant = { { "host0", "en0", GRANT_OPEN, net_class, 5000 },
			   { "en0", "host0", GRANT_BACK, net_class, 5000 } },
	};
}

static void a_pair_keeps_its_mark_while_it_is_granted(void **state)
{
	struct pairs none = { 0 }, first, second;
	struct msg_net_state s = granted(NET_CLASS_PERSONAL);
	struct pairs_dead dead;

	(void)state;
	s.grant[0].verdict = GRANT_OPEN_LESS_CORPORATE;
	pairs_next(&none, &s, &first, &dead);
	assert_int_equal(first.n, 1);
	assert_int_equal(first.pair[0].mark, 1u << PAIRS_CLASS_SHIFT | 1);
	assert_int_equal(dead.n, 0);
	s.grant[0].verdict = GRANT_OPEN;
	pairs_next(&first, &s, &second, &dead);
	assert_int_equal(second.pair[0].mark, first.pair[0].mark);
	assert_int_equal(dead.n, 0);
}

static void a_grant_after_a_time_without_gets_a_new_mark(void **state)
{
	struct pairs none = { 0 }, first, gone, again;
	struct msg_net_state s = granted(NET_CLASS_WORK), closed = { .epoch = 2 };
	struct pairs_dead dead;

	(void)state;
	pairs_next(&none, &s, &first, &dead);
	pairs_next(&first, &closed, &gone, &dead);
	assert_int_equal(gone.n, 0);
	assert_int_equal(dead.n, 1);
	assert_int_equal(dead.mark[0], first.pair[0].mark);
	pairs_next(&gone, &s, &again, &dead);
	assert_int_not_equal(again.pair[0].mark, first.pair[0].mark);
	assert_int_equal(dead.n, 0);
}

/* Their established flows are judged no more: a prefix that is new must end them. */
static void other_corporate_prefixes_give_a_new_mark_to_who_goes_around_them(void **state)
{
	for (unsigned open = 0; open < 2; open++) {
		struct pairs none = { 0 }, first, second, third;
		struct msg_net_state s = granted(NET_CLASS_PERSONAL);
		struct pairs_dead dead;

		(void)state;
		s.grant[0].verdict = open ? GRANT_OPEN : GRANT_OPEN_LESS_CORPORATE;
		s.n_prefixes = 1;
		s.prefix[0] = (struct msg_prefix){ .family = 2, .len_bits = 8, .address = { 10 } };
		pairs_next(&none, &s, &first, &dead);
		s.prefix[0].address[0] = 11;
		pairs_next(&first, &s, &second, &dead);
		assert_int_equal(dead.n, open ? 0 : 1);
		assert_int_equal(second.pair[0].mark == first.pair[0].mark, open);
		s.n_prefixes = 0;
		pairs_next(&second, &s, &third, &dead);
		assert_int_equal(dead.n, open ? 0 : 1);
	}
}

static void fewer_places_than_before_get_a_new_mark_and_more_keep_it(void **state)
{
	static const uint32_t narrow[] = { GRANT_VPN, GRANT_PORTAL, GRANT_OPEN_LESS_CORPORATE };

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct pairs none = { 0 }, wide, less, again;
		struct msg_net_state s = granted(NET_CLASS_WORK);
		struct pairs_dead dead;

		pairs_next(&none, &s, &wide, &dead);
		s.grant[0].verdict = narrow[i];
		s.grant[1].verdict = narrow[i] == GRANT_VPN ? GRANT_BACK_VPN : GRANT_BACK;
		pairs_next(&wide, &s, &less, &dead);
		assert_int_equal(less.n, 1);
		assert_int_not_equal(less.pair[0].mark, wide.pair[0].mark);
		assert_int_equal(dead.n, 1);
		assert_int_equal(dead.mark[0], wide.pair[0].mark);
		pairs_next(&less, &s, &again, &dead); /* a renewal */
		assert_int_equal(again.pair[0].mark, less.pair[0].mark);
		s = granted(NET_CLASS_WORK);
		pairs_next(&again, &s, &wide, &dead);
		assert_int_equal(wide.pair[0].mark, less.pair[0].mark);
		assert_int_equal(dead.n, 0);
	}
}

static void another_class_behind_the_same_port_is_another_pair(void **state)
{
	struct pairs none = { 0 }, first, second;
	struct msg_net_state s = granted(NET_CLASS_PERSONAL);
	struct pairs_dead dead;

	(void)state;
	pairs_next(&none, &s, &first, &dead);
	s = granted(NET_CLASS_WORK);
	pairs_next(&first, &s, &second, &dead);
	assert_int_equal(second.pair[0].mark >> PAIRS_CLASS_SHIFT, NET_CLASS_WORK + 1);
	assert_int_equal(dead.n, 1);
	assert_int_equal(dead.mark[0], first.pair[0].mark);
}

static void a_pair_named_twice_is_one(void **state)
{
	struct pairs none = { 0 }, pairs;
	struct msg_net_state s = granted(NET_CLASS_PERSONAL);
	struct pairs_dead dead;

	(void)state;
	s.grant[1] = s.grant[0];
	pairs_next(&none, &s, &pairs, &dead);
	assert_int_equal(pairs.n, 1);
}

static void numbers_begin_again_without_touching_the_class(void **state)
{
	struct pairs last = { .next_number = (1u << PAIRS_CLASS_SHIFT) - 1 }, pairs;
	struct msg_net_state s = granted(NET_CLASS_PERSONAL);
	struct pairs_dead dead;

	(void)state;
	pairs_next(&last, &s, &pairs, &dead);
	assert_int_equal(pairs.pair[0].mark, 1u << PAIRS_CLASS_SHIFT | 1);
}

static void a_full_message_fits(void **state)
{
	struct pairs none = { 0 }, pairs, after;
	struct msg_net_state s = { .epoch = 1, .n_grants = MSG_GRANTS }, closed = { .epoch = 2 };
	struct pairs_dead dead;

	(void)state;
	for (unsigned i = 0; i < MSG_GRANTS; i++) {
		s.grant[i] = granted(NET_CLASS_WORK).grant[0];
		s.grant[i].in_ifname[0] = (char)('A' + i / 16);
		s.grant[i].in_ifname[1] = (char)('A' + i % 16);
	}
	pairs_next(&none, &s, &pairs, &dead);
	assert_int_equal(pairs.n, MSG_GRANTS);
	pairs_next(&pairs, &closed, &after, &dead);
	assert_int_equal(dead.n, MSG_GRANTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pair_keeps_its_mark_while_it_is_granted),
		cmocka_unit_test(a_grant_after_a_time_without_gets_a_new_mark),
		cmocka_unit_test(other_corporate_prefixes_give_a_new_mark_to_who_goes_around_them),
		cmocka_unit_test(fewer_places_than_before_get_a_new_mark_and_more_keep_it),
		cmocka_unit_test(another_class_behind_the_same_port_is_another_pair),
		cmocka_unit_test(a_pair_named_twice_is_one),
		cmocka_unit_test(numbers_begin_again_without_touching_the_class),
		cmocka_unit_test(a_full_message_fits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
