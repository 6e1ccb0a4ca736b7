/* Random sequences of facts against an oracle that knows nothing of the machine. The seed is
 * printed; BULKHEAD_SEED sets the first one. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/classify_lab.h"

static uint32_t roll(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
	return (uint32_t)(*seed >> 33) % n;
}

/* What an observer who knows nothing of the machine would demand. */
struct oracle {
	uint64_t
		last_event; /* link, resume, drop, gap, sign's end, sniff's end: absence restarts */
	uint64_t last_beat;
	bool dropped;
	uint64_t lease_until;
	uint64_t proof_until;
	bool proven_once; /* in this generation */
	uint64_t sign_until;
};

/* One random fact; the oracle notes what it means. */
static unsigned random_fact(struct lab *l, struct oracle *o, uint64_t *seed)
{
	unsigned kind = roll(seed, 100);
	bool had_proof = o->proof_until > l->now;

	if (kind < 70) {
		if (l->now - o->last_beat > l->rules.alive_gap_ms || o->dropped)
			o->last_event = l->now;
		o->dropped = false;
		o->last_beat = l->now;
		beat(l);
		return 0;
	}
	if (kind < 80) {
		o->lease_until = l->now + 3600000;
		take_lease(l, "fritz.box");
		return 1;
	}
	if (kind < 84) {
		o->sign_until = l->now + 180000;
		hear_lldp(l);
		return 2;
	}
	if (kind < 87) {
		bool stale = roll(seed, 2);

		proof_is(l, l->s.generation - stale, 5 + roll(seed, 100));
		if (!stale) {
			o->proof_until = l->now + 60000;
			o->proven_once = true;
		}
		return 3;
	}
	if (kind < 90) {
		l->n_dropped++;
		o->dropped = true; /* told by the next beat */
		simple(l, CLASSIFY_TIME);
		return 4;
	}
	if (kind < 93) {
		simple(l, CLASSIFY_SNIFF_GONE);
		o->last_event = l->now;
		return 5;
	}
	if (kind < 95) {
		simple(l, CLASSIFY_RESUME);
		o->last_event = l->now;
		o->lease_until = o->proof_until = 0;
		o->proven_once |= had_proof;
		return 6;
	}
	if (kind < 97) {
		link_is(l, false);
		link_is(l, true);
		*o = (struct oracle){ .last_event = l->now, .last_beat = o->last_beat };
		return 7;
	}
	simple(l, CLASSIFY_TIME);
	return 8;
}

static void check_zone(const struct lab *l, const struct oracle *o, enum zone before, unsigned kind,
		       uint64_t seed, unsigned n)
{
	const char *broken = NULL;
	enum zone zone = l->s.zone;

	if (zone == ZONE_HOME)
		broken = "home has no way in";
	if (zone == ZONE_PROVEN && l->now >= o->proof_until)
		broken = "proven without a proof";
	if (zone == ZONE_FOREIGN && (o->proven_once || o->sign_until > l->now))
		broken = "foreign in spite of a sign";
	if (zone == ZONE_FOREIGN && (o->last_beat < o->last_event + WINDOW_MS ||
				     l->now - o->last_beat > l->rules.alive_gap_ms))
		broken = "foreign without an attested window";
	if (zone == ZONE_FOREIGN && o->lease_until <= l->now)
		broken = "foreign without an exchange";
	if (kind == 2 && zone != ZONE_SUSPECT && zone != ZONE_PROVEN)
		broken = "a sign that did not close";
	if (before == ZONE_PROVEN && zone == ZONE_FOREIGN)
		broken = "from proven straight to foreign";
	if (broken)
		fail_msg("seed %llu, fact %u (kind %u): %s", (unsigned long long)seed, n, kind,
			 broken);
}

static void random_facts_never_break_the_promises(void **state)
{
	const char *given = getenv("BULKHEAD_SEED");
	uint64_t first = given ? strtoull(given, NULL, 10) : 1;
	unsigned n_foreign = 0, n_proven = 0;

	(void)state;
	for (uint64_t seed = first; seed < first + 200; seed++) {
		uint64_t dice = seed;
		struct lab l;
		struct oracle o = { .last_event = START_MS };

		begin(&l);
		for (unsigned n = 0; n < 2000; n++) {
			enum zone before = l.s.zone;
			unsigned kind;

			l.now += roll(&dice, 40) == 0 ? 2000 + roll(&dice, 200000)
						      : roll(&dice, 1200);
			kind = random_fact(&l, &o, &dice);
			check_zone(&l, &o, before, kind, seed, n);
			n_foreign += l.s.zone == ZONE_FOREIGN;
			n_proven += l.s.zone == ZONE_PROVEN;
		}
	}
	print_message("seeds %llu..%llu: foreign %u times, proven %u times\n",
		      (unsigned long long)first, (unsigned long long)first + 199, n_foreign,
		      n_proven);
	assert_true(n_foreign > 1000 && n_proven > 1000); /* else nothing was tried */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_facts_never_break_the_promises),
	};

	return cmocka_run_group_tests_name("classify_random", tests, NULL, NULL);
}
