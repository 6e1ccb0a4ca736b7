/* Dampening: a cable that comes and goes, and what stays closed meanwhile. */
#include "tests/unit/classify_lab.h"

static void flap(struct lab *l)
{
	link_is(l, false);
	link_is(l, true);
}

static void the_first_loosening_waits_for_nothing(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	hear_lldp(&l);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	begin(&l);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
}

static void a_second_one_waits_and_comes_by_itself(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	proof_is(&l, l.s.generation, 30);
	l.now += 50;
	flap(&l);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_true(l.s.closes);
	assert_int_equal(classify_wake(&l.s, &l.rules), START_MS + CLASSIFY_CALM_MS);
	l.now = START_MS + CLASSIFY_CALM_MS;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
}

static void a_proof_that_must_wait_closes_what_was_open(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	calm(&l);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
}

static void a_sign_closes_at_once_however_often_it_flaps(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	for (unsigned i = 0; i < 100; i++) {
		flap(&l);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
		hear_lldp(&l);
		assert_true(l.s.closes);
		assert_true(l.s.zone == ZONE_SUSPECT || l.s.zone == ZONE_UNKNOWN);
		l.now += 50;
	}
}

static void a_flapping_cable_costs_one_change_a_second(void **state)
{
	unsigned n = 0;
	struct lab l;

	(void)state;
	begin(&l);
	for (unsigned i = 0; i < 1200; i++) { /* a minute */
		enum zone zone = l.s.zone;

		flap(&l);
		n += zone != l.s.zone;
		zone = l.s.zone;
		hear_lldp(&l);
		n += zone != l.s.zone;
		l.now += 50;
	}
	assert_in_range(n, 10, 60);
}

static void what_closed_others_holds_for_a_window_after_the_cable(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	hear_lldp(&l);
	l.now += 1000;
	link_is(&l, false);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_true(l.s.closes);
	assert_int_equal(classify_wake(&l.s, &l.rules), l.now + WINDOW_MS);
	l.now += WINDOW_MS - 1;
	simple(&l, CLASSIFY_TIME);
	assert_true(l.s.closes);
	l.now++;
	simple(&l, CLASSIFY_TIME);
	assert_false(l.s.closes);
}

static void a_sign_after_a_sleep_still_closes_others(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	hear_lldp(&l);
	simple(&l, CLASSIFY_RESUME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_true(l.s.closes);
}

static void a_link_that_is_gone_still_holds(void **state)
{
	struct classify_fact gone = { .kind = CLASSIFY_LINK, .link = { .ifname = "up0" } };
	struct lab l;

	(void)state;
	begin(&l);
	hear_lldp(&l);
	(void)step(&l, &gone);
	assert_true(l.s.closes);
	l.now += WINDOW_MS;
	simple(&l, CLASSIFY_TIME);
	assert_false(l.s.closes);
}

static void an_enrolment_that_must_wait_leaves_foreign_as_it_is(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	enrol(&l, "flat");
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	calm(&l);
	assert_int_equal(l.s.zone, ZONE_HOME);
}

static void an_attested_network_holds_no_longer(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	calm(&l);
	enrol(&l, "flat");
	calm(&l);
	hear_lldp(&l);
	link_is(&l, false);
	link_is(&l, true);
	beat(&l);
	take_lease(&l, "fritz.box");
	assert_true(l.s.closes);
	calm(&l);
	assert_int_equal(l.s.zone, ZONE_HOME);
	assert_false(l.s.closes);
}

static void a_network_without_a_sign_closes_nobody(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	flap(&l);
	assert_false(l.s.closes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_loosening_waits_for_nothing),
		cmocka_unit_test(a_second_one_waits_and_comes_by_itself),
		cmocka_unit_test(a_proof_that_must_wait_closes_what_was_open),
		cmocka_unit_test(a_sign_closes_at_once_however_often_it_flaps),
		cmocka_unit_test(a_flapping_cable_costs_one_change_a_second),
		cmocka_unit_test(what_closed_others_holds_for_a_window_after_the_cable),
		cmocka_unit_test(a_sign_after_a_sleep_still_closes_others),
		cmocka_unit_test(a_link_that_is_gone_still_holds),
		cmocka_unit_test(an_enrolment_that_must_wait_leaves_foreign_as_it_is),
		cmocka_unit_test(an_attested_network_holds_no_longer),
		cmocka_unit_test(a_network_without_a_sign_closes_nobody),
	};

	return cmocka_run_group_tests_name("classify_calm", tests, NULL, NULL);
}
