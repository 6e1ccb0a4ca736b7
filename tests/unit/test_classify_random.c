/* Random sequences of facts against an oracle that knows nothing of the machine. The seed is
 * printed; SEED sets the first one. */
#include <stdio.h>
#include <stdlib.h>

#include "tests/unit/classify_lab.h"

enum { N_SEEDS = 200, N_FACTS = 2000, N_NETS = 3 };

static uint32_t roll(uint64_t *seed, uint32_t n)
{
	*seed = *seed * 6364136223846793005u + 1442695040888963407u; /* Knuth's MMIX */
	return (uint32_t)(*seed >> 33) % n;
}

/* What an observer who knows nothing of the machine would demand. */
struct oracle {
	uint64_t last_event; /* whatever makes absence restart */
	uint64_t last_beat;
	bool dropped;
	uint64_t lease_until;
	uint64_t router_until[N_NETS]; /* router N announces prefix N, or on a whim another */
	uint8_t router_net[N_NETS];
	bool address[N_NETS];
	uint8_t gateway;
	uint64_t proof_until;
	bool proven_once; /* in this generation */
	uint64_t sign_until;
	bool enrolled;
	uint64_t stood; /* a sign or a proof stood last */
	uint64_t loosened;
	unsigned n_changes;
	bool must_close; /* this fact is an event */
	bool slow;	 /* the zone was an open one since the last beat, and no event */
};

static bool exchanged(const struct oracle *o, uint64_t now)
{
	for (unsigned i = 0; i < N_NETS; i++)
		if (o->router_until[i] > now && o->address[o->router_net[i]])
			return true;
	return o->lease_until > now;
}

static void event(struct lab *l, struct oracle *o)
{
	o->slow = false;
	o->last_event = l->now;
	o->must_close = true;
	/* what was proven has a moment to prove itself again */
	if (o->proof_until > l->now + CLASSIFY_ROAM_MS)
		o->proof_until = l->now + CLASSIFY_ROAM_MS;
}

static void new_link(struct lab *l, struct oracle *o)
{
	o->lease_until = o->sign_until = o->proof_until = 0;
	memset(o->router_until, 0, sizeof(o->router_until));
	o->gateway = 0;
	o->proven_once = false;
	o->dropped = false;
	event(l, o);
}

static bool is_open(const struct lab *l)
{
	return l->s.zone == ZONE_FOREIGN || l->s.zone == ZONE_HOME;
}

static uint64_t gap_ms(const struct lab *l, const struct oracle *o)
{
	return is_open(l) || o->slow ? (uint64_t)CLASSIFY_SETTLED_GAP_MS : l->rules.alive_gap_ms;
}

static void some_beat(struct lab *l, struct oracle *o)
{
	if (l->now - o->last_beat > gap_ms(l, o) || o->dropped)
		o->last_event = l->now;
	o->dropped = false;
	o->last_beat = l->now;
	o->slow = false;
	beat(l);
}

static void some_router(struct lab *l, struct oracle *o, uint64_t *seed)
{
	uint8_t i = (uint8_t)roll(seed, N_NETS), net = roll(seed, 6) ? i : 0;
	bool known = false;

	for (unsigned k = 0; k < N_NETS; k++)
		known |= o->router_until[k] != 0;
	if (o->router_until[i] != 0 ? o->router_net[i] != net : known)
		event(l, o);
	o->router_until[i] = l->now + 1800000;
	o->router_net[i] = net;
	hear_router(l, i, net, 1800);
}

static void some_address6(struct lab *l, struct oracle *o, uint64_t *seed)
{
	uint8_t net = (uint8_t)roll(seed, N_NETS);
	bool named = false;

	for (unsigned i = 0; i < N_NETS; i++)
		named |= o->router_until[i] != 0 && o->router_net[i] == net;
	if (o->address[net] || !named)
		event(l, o);
	o->address[net] = !o->address[net];
	address6_is(l, net, 1, o->address[net]);
}

static void some_gateway(struct lab *l, struct oracle *o, uint64_t *seed)
{
	uint8_t mac = (uint8_t)(0x11 + (roll(seed, 8) == 0));

	if (o->lease_until > l->now) {
		if (o->gateway != 0 && o->gateway != mac)
			event(l, o);
		o->gateway = mac;
	}
	gateway_answers(l, 0x0100a8c0, mac);
}

static void some_proof(struct lab *l, struct oracle *o, uint64_t *seed)
{
	bool stale = roll(seed, 2);

	if (!stale) {
		o->proof_until = l->now + 60000;
		o->proven_once = true;
	}
	proof_is(l, l->s.generation - stale, 5 + roll(seed, 100));
}

static void some_lie(struct lab *l, struct oracle *o)
{
	struct msg_claim c = { .kind = SIGN_ALIVE, .ifindex = IFINDEX, .at_boot_ms = l->now + 1 };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };

	o->last_event = l->now; /* a proof needs no silence */
	(void)step(l, &f);
}

/* One random fact; the oracle notes what it means. True: it was a sign. */
static bool random_fact(struct lab *l, struct oracle *o, uint64_t *seed)
{
	unsigned kind = roll(seed, 1000);

	if (kind < 700) {
		some_beat(l, o);
	} else if (kind < 780) {
		if (o->lease_until <= l->now)
			o->gateway = 0; /* of a lease that is over */
		o->lease_until = l->now + 3600000;
		take_lease(l, "fritz.box");
	} else if (kind < 805) {
		o->sign_until = l->now + 180000;
		hear_lldp(l);
		return true;
	} else if (kind < 830) {
		some_proof(l, o, seed);
	} else if (kind < 845) {
		l->n_dropped++;
		o->dropped = true; /* told by the next beat */
		simple(l, CLASSIFY_TIME);
	} else if (kind < 855) {
		simple(l, CLASSIFY_SNIFF_GONE);
		o->last_event = l->now; /* a proof needs no silence */
	} else if (kind < 865) {
		uint64_t sign_until = o->sign_until;
		bool proven_once = o->proven_once;

		simple(l, CLASSIFY_RESUME);
		new_link(l, o);
		o->sign_until = sign_until;
		o->proven_once = proven_once;
	} else if (kind < 885) {
		link_is(l, false);
		link_is(l, true);
		new_link(l, o);
	} else if (kind < 915) {
		some_router(l, o, seed);
	} else if (kind < 930) {
		some_address6(l, o, seed);
	} else if (kind < 945) {
		some_gateway(l, o, seed);
	} else if (kind < 950) {
		some_lie(l, o);
	} else if (kind < 965) {
		o->enrolled = !o->enrolled;
		l->rules.n_homes = o->enrolled;
		simple(l, CLASSIFY_TIME);
	} else {
		simple(l, CLASSIFY_TIME);
	}
	return false;
}

static const char *check_absence(const struct lab *l, const struct oracle *o)
{
	uint64_t window_ms = l->s.zone == ZONE_HOME ? l->rules.home_window_ms : WINDOW_MS;

	if (l->s.zone != ZONE_FOREIGN && l->s.zone != ZONE_HOME)
		return NULL;
	if (l->s.zone == ZONE_HOME && !o->enrolled)
		return "home without an enrolment";
	if (o->proven_once || o->sign_until > l->now)
		return "open in spite of a sign";
	if (o->last_beat < o->last_event + window_ms || l->now - o->last_beat > gap_ms(l, o))
		return "open without an attested window";
	return exchanged(o, l->now) ? NULL : "open without an exchange";
}

static bool opens(enum zone zone)
{
	return zone == ZONE_FOREIGN || zone == ZONE_HOME || zone == ZONE_PROVEN;
}

static const char *check_change(const struct lab *l, struct oracle *o, enum zone before, bool sign)
{
	enum zone zone = l->s.zone;
	bool stands = o->proven_once || o->sign_until > l->now;

	if (zone == ZONE_PROVEN && l->now >= o->proof_until)
		return "proven without a proof";
	if (sign && zone != ZONE_SUSPECT && zone != ZONE_UNKNOWN && zone != ZONE_PROVEN)
		return "a sign that did not close";
	if (o->must_close && opens(zone) && zone != ZONE_PROVEN)
		return "an event that did not close";
	if (before == ZONE_PROVEN && (zone == ZONE_FOREIGN || zone == ZONE_HOME))
		return "from proven straight to open";
	if (stands)
		o->stood = l->now;
	else if (zone == ZONE_FOREIGN || zone == ZONE_HOME)
		o->stood = 0; /* attested, which the other check holds it to */
	if ((stands || (o->stood != 0 && l->now < o->stood + WINDOW_MS)) && !l->s.closes)
		return "other uplinks are not closed";
	if (zone == before)
		return NULL;
	o->n_changes++;
	if (!opens(zone))
		return NULL;
	if (o->loosened != 0 && l->now < o->loosened + CLASSIFY_CALM_MS)
		return "loosened twice in a moment";
	o->loosened = l->now;
	return NULL;
}

struct tally {
	unsigned n_foreign, n_home, n_proven;
};

static void try_seed(uint64_t seed, struct tally *tally)
{
	uint64_t dice = seed;
	struct oracle o = { .last_event = START_MS };
	bool fast = seed % 4 == 0; /* a cable that flaps: twenty facts a second */
	struct lab l, other;
	uint64_t seconds;

	begin(&other);
	take_lease(&other, "fritz.box");
	enrol(&other, "flat");
	begin(&l);
	l.rules.home[0] = other.rules.home[0];
	for (unsigned n = 0; n < N_FACTS; n++) {
		enum zone before = l.s.zone;
		const char *broken;
		bool sign;

		if (fast && n % 100 < 50)
			l.now += roll(&dice, 100);
		else
			l.now += roll(&dice, 40) == 0 ? 2000 + roll(&dice, 200000)
						      : roll(&dice, 1200);
		o.must_close = false;
		sign = random_fact(&l, &o, &dice);
		broken = check_absence(&l, &o);
		o.slow |= is_open(&l);
		if (!broken)
			broken = check_change(&l, &o, before, sign);
		if (broken)
			fail_msg("seed %llu, fact %u: %s", (unsigned long long)seed, n, broken);
		tally->n_foreign += l.s.zone == ZONE_FOREIGN;
		tally->n_home += l.s.zone == ZONE_HOME;
		tally->n_proven += l.s.zone == ZONE_PROVEN;
	}
	seconds = (l.now - START_MS) / 1000;
	if (o.n_changes > seconds + 3)
		fail_msg("seed %llu: %u changes in %u s", (unsigned long long)seed, o.n_changes,
			 (unsigned)seconds);
}

static void random_facts_never_break_the_promises(void **state)
{
	const char *given = getenv("SEED");
	uint64_t first = given ? strtoull(given, NULL, 10) : 1;
	struct tally tally = { 0 };

	(void)state;
	for (uint64_t seed = first; seed < first + N_SEEDS; seed++)
		try_seed(seed, &tally);
	print_message("seeds %llu..%llu: foreign %u times, home %u times, proven %u times\n",
		      (unsigned long long)first, (unsigned long long)first + N_SEEDS - 1,
		      tally.n_foreign, tally.n_home, tally.n_proven);
	/* else nothing was tried */
	assert_true(tally.n_foreign > 1000 && tally.n_home > 1000 && tally.n_proven > 1000);
}

/* Nothing but a flapping cable and what it can show: signs, leases, proofs, beats. */
static void a_cable_that_flaps_changes_once_a_second(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 50; seed++) {
		uint64_t dice = seed;
		unsigned n = 0;
		struct lab l;

		begin(&l);
		for (unsigned i = 0; i < 20 * 60; i++) { /* a minute */
			for (unsigned k = 0; k < 4; k++) {
				enum zone before = l.s.zone;

				if (k == 0)
					link_is(&l, i % 2);
				else if (roll(&dice, 3) == 0)
					hear_lldp(&l);
				else if (roll(&dice, 3) == 0)
					proof_is(&l, l.s.generation, 60);
				else
					beat(&l);
				n += before != l.s.zone;
			}
			l.now += 50;
		}
		if (n < 20 || n > 63)
			fail_msg("seed %llu: %u changes in a minute", (unsigned long long)seed, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(random_facts_never_break_the_promises),
		cmocka_unit_test(a_cable_that_flaps_changes_once_a_second),
	};

	return cmocka_run_group_tests_name("classify_random", tests, NULL, NULL);
}
