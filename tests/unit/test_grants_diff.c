#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "netguard/grants_diff.h"

enum { TIMED = 1, TUNNELS = 2, PAIRS = 4, EPOCH = 8, PREFIXES = 16, ENDPOINTS = 32, TLS = 64 };

static unsigned parts(struct grants_diff d)
{
	return (unsigned)(d.timed * TIMED + d.tunnels * TUNNELS + d.pairs * PAIRS +
			  d.epoch * EPOCH + d.prefixes * PREFIXES + d.endpoints * ENDPOINTS +
			  d.tls * TLS);
}

static struct msg_net_state granted(void)
{
	return (struct msg_net_state){
		.epoch = 1,
		.n_grants = 2,
		.grant = { { "host0", "en0", GRANT_OPEN, NET_CLASS_WORK, 5000 },
			   { "en0", "host0", GRANT_BACK, NET_CLASS_WORK, 5000 } },
	};
}

static unsigned between(const struct msg_net_state *before, const struct msg_net_state *now)
{
	struct pairs none = { 0 }, first, second;
	struct pairs_dead dead;

	pairs_next(&none, before, &first, &dead);
	pairs_next(&first, now, &second, &dead);
	return parts(grants_diff_of(before, &first, now, &second));
}

static void what_is_not_known_is_sent_whole(void **state)
{
	(void)state;
	assert_int_equal(parts(grants_diff_all()), 127);
}

static void a_renewal_is_what_ends_by_itself(void **state)
{
	struct msg_net_state s = granted(), later = granted();

	(void)state;
	later.id++;
	later.wall_bound_s++;
	assert_int_equal(between(&s, &later), TIMED);
	s.n_endpoints = later.n_endpoints = 1;
	assert_int_equal(between(&s, &later), TIMED | TUNNELS);
}

static void closed_stays_closed_for_nothing(void **state)
{
	struct msg_net_state s = { .epoch = 1 }, later = { .epoch = 2, .tightens = 1 };

	(void)state;
	assert_int_equal(between(&s, &later), 0);
}

static void opening_and_closing_touch_the_epoch(void **state)
{
	struct msg_net_state s = granted(), closed = { .epoch = 1 };

	(void)state;
	assert_int_equal(between(&s, &closed), TIMED | EPOCH); /* nobody asks for pairs then */
	assert_int_equal(between(&closed, &s), TIMED | PAIRS | EPOCH);
	closed = granted();
	closed.epoch = 2;
	assert_int_equal(between(&s, &closed), TIMED | EPOCH);
}

static void each_list_is_compared_whole(void **state)
{
	struct msg_net_state s = granted(), other;

	(void)state;
	s.n_prefixes = s.n_endpoints = s.n_tls = 2;
	other = s;
	other.n_prefixes = 1;
	assert_int_equal(between(&s, &other), TIMED | TUNNELS | PREFIXES);
	other = s;
	other.prefix[1].address[3] = 1;
	assert_int_equal(between(&s, &other), TIMED | TUNNELS | PREFIXES);
	other = s;
	other.endpoint[1].port = 1;
	assert_int_equal(between(&s, &other), TIMED | TUNNELS | ENDPOINTS);
	other = s;
	other.n_endpoints = 0;
	assert_int_equal(between(&s, &other), TIMED | TUNNELS | ENDPOINTS);
	other = s;
	other.tls[1].address[0] = 1;
	assert_int_equal(between(&s, &other), TIMED | TUNNELS | TLS);
}

/* The class is the mark's: another class is another pair. */
static void a_pair_of_another_class_is_another(void **state)
{
	struct msg_net_state s = granted(), other = granted();

	(void)state;
	other.grant[0].net_class = other.grant[1].net_class = NET_CLASS_PERSONAL;
	assert_int_equal(between(&s, &other), TIMED | PAIRS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_not_known_is_sent_whole),
		cmocka_unit_test(a_renewal_is_what_ends_by_itself),
		cmocka_unit_test(closed_stays_closed_for_nothing),
		cmocka_unit_test(opening_and_closing_touch_the_epoch),
		cmocka_unit_test(each_list_is_compared_whole),
		cmocka_unit_test(a_pair_of_another_class_is_another),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
