#include "tests/unit/classify_lab.h"

static void site_is(struct lab *l, const char *site, uint32_t kind)
{
	struct classify_fact f = {
		.kind = CLASSIFY_PROOF,
		.proof = { .kind = kind, .generation = l->s.generation, .lifetime_s = 60 }
	};

	memcpy(f.proof.site, site, strlen(site) + 1);
	(void)step(l, &f);
}

static void become_proven(struct lab *l)
{
	begin(l);
	beat(l);
	take_lease(l, "corp.example");
	beats(l, CLASSIFY_CALM_MS);
	site_is(l, "hq", SIGN_BEACON);
	assert_int_equal(l->s.zone, ZONE_PROVEN);
	l->now += CLASSIFY_CALM_MS;
	beat(l);
}

/* Personal is closed in proven, so the moment costs nothing but what work may say in it. */
static void another_address_leaves_a_moment_to_prove_it_again(void **state)
{
	struct lab l;

	(void)state;
	become_proven(&l);
	address_is(&l, CLASSIFY_ADDRESS, 0x0700a8c0, true);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	assert_int_equal(
		classify_wake(&l.s, &l.rules),
		MIN(l.now + CLASSIFY_ROAM_MS, l.s.alive_boot_ms + CLASSIFY_SETTLED_GAP_MS + 1));
	l.now += 1000;
	site_is(&l, "hq", SIGN_BEACON);
	beats(&l, 30000);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
}

static void the_moment_ends(void **state)
{
	struct lab l;

	(void)state;
	become_proven(&l);
	address_is(&l, CLASSIFY_ADDRESS, 0x0700a8c0, true);
	l.now += CLASSIFY_ROAM_MS - 1;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	l.now++;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void further_events_do_not_stretch_the_moment(void **state)
{
	struct lab l;
	uint64_t end;

	(void)state;
	become_proven(&l);
	end = l.now + CLASSIFY_ROAM_MS;
	for (uint32_t i = 0; l.now < end; i++) {
		assert_int_equal(l.s.zone, ZONE_PROVEN);
		address_is(&l, CLASSIFY_GATEWAY, 0x0900a8c0 + (i << 24), true);
		l.now += 500;
		beat(&l);
	}
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void without_a_proof_an_address_gives_unknown_first(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	address_is(&l, CLASSIFY_ADDRESS, 0x0700a8c0, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void another_link_or_a_sleep_leaves_no_moment(void **state)
{
	struct lab l;

	(void)state;
	become_proven(&l);
	simple(&l, CLASSIFY_RESUME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	become_proven(&l);
	link_is(&l, false);
	link_is(&l, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void another_site_gives_unknown_first(void **state)
{
	struct lab l;

	(void)state;
	become_proven(&l);
	site_is(&l, "plant", SIGN_BEACON);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	l.now += CLASSIFY_CALM_MS;
	site_is(&l, "plant", SIGN_BEACON);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	assert_string_equal(l.s.site, "plant");
}

static void another_site_within_the_moment_gives_unknown_first(void **state)
{
	struct lab l;

	(void)state;
	become_proven(&l);
	address_is(&l, CLASSIFY_ADDRESS, 0x0700a8c0, true);
	l.now += 1000;
	site_is(&l, "plant", SIGN_BEACON);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_tls_proof_says_so_also_after_its_end(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "corp.example");
	beats(&l, CLASSIFY_CALM_MS);
	site_is(&l, "00112233", SIGN_TLS);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	classify_explain(&l.s, &l.rules, &why);
	assert_int_equal(why.kind, SIGN_TLS);
	assert_string_equal(classify_sign_name(why.kind), "TLS");
	beats(&l, 60000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	classify_explain(&l.s, &l.rules, &why);
	assert_int_equal(why.kind, SIGN_TLS);
	assert_string_equal(why.source, "00112233");
}

static void a_beacon_takes_over_from_tls(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "corp.example");
	beats(&l, CLASSIFY_CALM_MS);
	site_is(&l, "00112233", SIGN_TLS);
	l.now += 1000;
	site_is(&l, "hq", SIGN_BEACON);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	assert_int_equal(l.s.proof_kind, SIGN_BEACON);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(another_address_leaves_a_moment_to_prove_it_again),
		cmocka_unit_test(the_moment_ends),
		cmocka_unit_test(further_events_do_not_stretch_the_moment),
		cmocka_unit_test(without_a_proof_an_address_gives_unknown_first),
		cmocka_unit_test(another_link_or_a_sleep_leaves_no_moment),
		cmocka_unit_test(another_site_gives_unknown_first),
		cmocka_unit_test(another_site_within_the_moment_gives_unknown_first),
		cmocka_unit_test(a_tls_proof_says_so_also_after_its_end),
		cmocka_unit_test(a_beacon_takes_over_from_tls),
	};

	return cmocka_run_group_tests_name("classify_roam", tests, NULL, NULL);
}
