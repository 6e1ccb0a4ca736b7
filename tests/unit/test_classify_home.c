/* A home: enrolled by what its machines are, recognised sooner, and nothing more. */
#include "tests/unit/classify_lab.h"

static void replug(struct lab *l)
{
	calm(l);
	link_is(l, false);
	l->now += 5000;
	link_is(l, true);
	beat(l);
}

static void at_home(struct lab *l)
{
	begin(l);
	become_foreign(l);
	calm(l);
	enrol(l, "flat");
	assert_int_equal(l->s.zone, ZONE_HOME);
}

static void was_enrolled(struct lab *l, const char *name)
{
	struct classify_fact f = { .kind = CLASSIFY_ENROLLED };

	memcpy(f.site, name, strlen(name));
	(void)step(l, &f);
}

static void an_enrolled_network_is_home_after_the_short_window(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	at_home(&l);
	replug(&l);
	take_lease(&l, "fritz.box");
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	classify_explain(&l.s, &l.rules, &why);
	assert_string_equal(why.source, "flat");
	assert_int_equal(why.wait, CLASSIFY_WAIT_WINDOW);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_HOME);
}

static void no_window_is_shorter_than_the_beacons_second(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	l.rules.home_window_ms = 1;
	replug(&l);
	take_lease(&l, "fritz.box");
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_HOME);
}

static void home_needs_its_window_attested_too(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	replug(&l);
	take_lease(&l, "fritz.box");
	l.n_dropped++;
	beats(&l, 2000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_HOME);
	simple(&l, CLASSIFY_SNIFF_GONE);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* Each thing that was enrolled, changed by itself. */
static void every_difference_makes_it_a_stranger(void **state)
{
	struct lab l;

	(void)state;
	for (unsigned i = 0; i < 3; i++) {
		struct msg_claim c = ack("fritz.box");

		at_home(&l);
		replug(&l);
		if (i == 0)
			c.dhcp4.server_mac[5] ^= 1;
		else if (i == 1)
			c.dhcp4.server_id ^= 1;
		else
			c.dhcp4.router ^= 1;
		claim(&l, &c);
		beats(&l, WINDOW_MS - 1000);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
		beats(&l, 1000);
		assert_int_equal(l.s.zone, ZONE_FOREIGN);
	}
}

static void another_mac_of_the_gateway_ends_home(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	gateway_answers(&l, 0x0100a8c0, 0x11); /* the server itself, as it was enrolled */
	assert_int_equal(l.s.zone, ZONE_HOME);
	gateway_answers(&l, 0x0100a8c0, 0x12);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 2000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void any_sign_closes_home_at_once(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	hear_lldp(&l);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void a_sign_on_this_link_is_remembered_when_it_has_aged(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	assert_false(l.s.sign_heard);
	hear_lldp(&l);
	beats(&l, 200000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	assert_true(l.s.sign_heard);
	link_is(&l, false);
	assert_false(l.s.sign_heard);
}

static void a_home_that_is_forgotten_is_foreign_again(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	beats(&l, WINDOW_MS);
	l.rules.n_homes = 0;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_policy_without_homes_ends_them(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	l.rules.n_homes = 0;
	simple(&l, CLASSIFY_RULES);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void at_home6(struct lab *l, bool dhcp)
{
	begin(l);
	beat(l);
	if (dhcp)
		take_lease(l, "fritz.box");
	hear_router(l, 1, 5, 1800);
	address6_is(l, 5, 9, true);
	beats(l, WINDOW_MS);
	calm(l);
	enrol(l, "flat");
	assert_int_equal(l->s.zone, ZONE_HOME);
	replug(l);
}

static void a_home_without_dhcp_is_its_router_and_prefix(void **state)
{
	struct lab l;

	(void)state;
	at_home6(&l, false);
	hear_router(&l, 1, 5, 1800);
	beats(&l, 2000);
	assert_int_equal(l.s.zone, ZONE_HOME);
	at_home6(&l, false);
	hear_router(&l, 1, 6, 1800); /* another prefix */
	address6_is(&l, 6, 9, true);
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_router_that_greets_late_does_not_close_home(void **state)
{
	struct lab l;

	(void)state;
	at_home6(&l, true);
	take_lease(&l, "fritz.box");
	beats(&l, 2000);
	assert_int_equal(l.s.zone, ZONE_HOME);
	hear_router(&l, 1, 5, 1800);
	assert_int_equal(l.s.zone, ZONE_HOME);
	hear_router(&l, 2, 5, 1800);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_router_that_was_not_there_before_is_no_home(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	replug(&l);
	hear_router(&l, 1, 5, 1800);
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void what_greets_late_on_the_link_that_was_enrolled_is_part_of_it(void **state)
{
	struct lab l;

	(void)state;
	at_home(&l);
	was_enrolled(&l, "flat");
	hear_router(&l, 1, 5, 1800);
	assert_int_equal(l.s.zone, ZONE_HOME);
	hear_router(&l, 2, 5, 1800); /* two are more than a home has */
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void after_a_cable_or_a_sleep_a_home_grows_no_more(void **state)
{
	struct lab l;

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		at_home(&l);
		was_enrolled(&l, "flat");
		if (i == 0)
			replug(&l);
		else
			simple(&l, CLASSIFY_RESUME);
		hear_router(&l, 1, 5, 1800);
		take_lease(&l, "fritz.box");
		beats(&l, WINDOW_MS - 1000);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_enrolled_network_is_home_after_the_short_window),
		cmocka_unit_test(no_window_is_shorter_than_the_beacons_second),
		cmocka_unit_test(home_needs_its_window_attested_too),
		cmocka_unit_test(every_difference_makes_it_a_stranger),
		cmocka_unit_test(another_mac_of_the_gateway_ends_home),
		cmocka_unit_test(any_sign_closes_home_at_once),
		cmocka_unit_test(a_sign_on_this_link_is_remembered_when_it_has_aged),
		cmocka_unit_test(a_home_that_is_forgotten_is_foreign_again),
		cmocka_unit_test(a_policy_without_homes_ends_them),
		cmocka_unit_test(a_home_without_dhcp_is_its_router_and_prefix),
		cmocka_unit_test(a_router_that_greets_late_does_not_close_home),
		cmocka_unit_test(a_router_that_was_not_there_before_is_no_home),
		cmocka_unit_test(what_greets_late_on_the_link_that_was_enrolled_is_part_of_it),
		cmocka_unit_test(after_a_cable_or_a_sleep_a_home_grows_no_more),
	};

	return cmocka_run_group_tests_name("classify_home", tests, NULL, NULL);
}
