#include "tests/unit/classify_lab.h"

static void begin_tunnel(struct lab *l)
{
	memset(l, 0, sizeof(*l));
	classify_rules_init(&l->rules);
	l->now = START_MS;
	classify_init(&l->s, l->now);
	l->s.tunnel = true;
	link_is(l, true);
}

static void tunnel_proof_is(struct lab *l, uint32_t generation, uint32_t lifetime_s)
{
	struct classify_fact f = { .kind = CLASSIFY_PROOF,
				   .proof = { .generation = generation,
					      .tunnel = true,
					      .lifetime_s = lifetime_s,
					      .site = "hq" } };

	(void)step(l, &f);
}

static void a_tunnel_is_unknown_however_silent_it_is(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	begin_tunnel(&l);
	take_lease(&l, "fritz.box");
	beats(&l, 600000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	classify_explain(&l.s, &l.rules, &why);
	assert_int_equal(why.wait, CLASSIFY_WAIT_PROOF);
}

static void a_proof_of_its_class_makes_it_a_tunnel_while_it_lives(void **state)
{
	struct lab l;

	(void)state;
	begin_tunnel(&l);
	calm(&l);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN); /* a wire's */
	tunnel_proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_TUNNEL);
	l.now += 29999;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_TUNNEL);
	l.now += 1;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void nothing_of_a_tunnel_closes_other_uplinks(void **state)
{
	struct classify_fact f = { .kind = CLASSIFY_ANNOUNCEMENT, .site = "hq" };
	struct lab l;

	(void)state;
	begin_tunnel(&l);
	calm(&l);
	hear_lldp(&l);
	take_lease(&l, "corp.example");
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_false(l.s.closes);
	tunnel_proof_is(&l, l.s.generation, 30);
	assert_false(l.s.closes);
}

static void a_tunnels_proof_is_nothing_to_a_wire(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	calm(&l);
	tunnel_proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void an_event_of_the_tunnel_ends_its_proof(void **state)
{
	struct lab l;

	(void)state;
	begin_tunnel(&l);
	calm(&l);
	tunnel_proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_TUNNEL);
	address_is(&l, CLASSIFY_ADDRESS, OWN_ADDRESS, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	calm(&l);
	tunnel_proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_TUNNEL);
	simple(&l, CLASSIFY_RESUME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_tunnel_is_unknown_however_silent_it_is),
		cmocka_unit_test(a_proof_of_its_class_makes_it_a_tunnel_while_it_lives),
		cmocka_unit_test(nothing_of_a_tunnel_closes_other_uplinks),
		cmocka_unit_test(a_tunnels_proof_is_nothing_to_a_wire),
		cmocka_unit_test(an_event_of_the_tunnel_ends_its_proof),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
