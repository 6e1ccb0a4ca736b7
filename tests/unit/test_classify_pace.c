/* Heartbeats may be slow where nothing is judged, and nowhere else. */
#include "tests/unit/classify_lab.h"

/* One beat after so long, and nothing else in between. */
static void beat_after(struct lab *l, unsigned ms)
{
	l->now += ms;
	beat(l);
}

static void a_network_that_is_judged_is_not_settled(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	assert_false(classify_settled(&l.s));
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	assert_false(classify_settled(&l.s));
	link_is(&l, false);
	assert_true(classify_settled(&l.s));
	link_is(&l, true);
	assert_false(classify_settled(&l.s));
	hear_lldp(&l);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	assert_true(classify_settled(&l.s));
}

static void a_tunnel_has_nobody_to_wait_for(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.s.tunnel = true;
	assert_true(classify_settled(&l.s));
}

static void a_foreign_network_lives_on_slow_beats(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	for (unsigned i = 0; i < 20; i++) {
		beat_after(&l, BEAT_SLOW_MS);
		assert_int_equal(l.s.zone, ZONE_FOREIGN);
	}
	beat_after(&l, CLASSIFY_SETTLED_GAP_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_beat_that_is_too_slow_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	beat_after(&l, CLASSIFY_SETTLED_GAP_MS + 1);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* Each of them begins a run of its own. */
static void slow_beats_attest_no_window(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "fritz.box");
	for (unsigned t = 0; t < 4 * WINDOW_MS; t += BEAT_SLOW_MS) {
		beat_after(&l, BEAT_SLOW_MS);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	}
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

/* What was slow before an event is no part of the window after it. */
static void a_window_after_slow_beats_is_a_whole_one(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	beat_after(&l, BEAT_SLOW_MS);
	l.now += BEAT_SLOW_MS - 1;
	link_is(&l, false);
	link_is(&l, true);
	beat(&l); /* at once, as soon as it is told */
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

/* A home that is forgotten is a foreign network at once, but for the calm after a loosening: the
 * absence that was attested for it stands. */
static void what_was_attested_on_slow_beats_stands_when_a_home_is_forgotten(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	l.now += BEAT_SLOW_MS - 400; /* from here to the end no slow beat is due yet */
	enrol(&l, "den");
	assert_int_equal(l.s.zone, ZONE_HOME);
	l.now += 200;
	l.rules.n_homes = 0;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beat(&l); /* at once, as it is told */
	beats(&l, CLASSIFY_CALM_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void no_time_passes_for_a_cable_that_is_out(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	link_is(&l, false);
	beat(&l);
	assert_true(classify_wake(&l.s, &l.rules) > l.now + BEAT_SLOW_MS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_network_that_is_judged_is_not_settled),
		cmocka_unit_test(a_tunnel_has_nobody_to_wait_for),
		cmocka_unit_test(a_foreign_network_lives_on_slow_beats),
		cmocka_unit_test(a_beat_that_is_too_slow_closes),
		cmocka_unit_test(slow_beats_attest_no_window),
		cmocka_unit_test(a_window_after_slow_beats_is_a_whole_one),
		cmocka_unit_test(what_was_attested_on_slow_beats_stands_when_a_home_is_forgotten),
		cmocka_unit_test(no_time_passes_for_a_cable_that_is_out),
	};

	return cmocka_run_group_tests_name("classify_pace", tests, NULL, NULL);
}
