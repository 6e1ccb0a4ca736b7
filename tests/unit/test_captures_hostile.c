/* Every frame of every capture, cut at every byte, with every byte and every bit flipped: no read
 * beyond its bounds (in the sanitizer build), and whatever comes of it never makes a zone looser
 * than silence would. */
#include "tests/unit/captures_lab.h"

#include "netguard/sense.h"

#include "tests/unit/classify_lab.h"

enum { NO_LEASE, BEFORE, SUSPECT, ATTESTED, N_BASES };

/* An uplink in four moments, each under the strict defaults and under what a policy adds. */
static struct lab base[N_BASES][2];
static uint64_t n_inputs, n_claims;

static bool is_open(const struct classify_state *s)
{
	return s->zone != ZONE_UNKNOWN && s->zone != ZONE_SUSPECT;
}

static void make_bases(void)
{
	for (unsigned strict = 0; strict < 2; strict++) {
		for (unsigned b = 0; b < N_BASES; b++) {
			struct lab *l = &base[b][strict];

			begin(l);
			if (strict) {
				l->rules.any_kinds = UINT32_MAX;
				l->rules.dhcp_vendor = true;
			}
			if (b == SUSPECT)
				hear_lldp(l);
			beat(l);
			if (b !=
			    NO_LEASE) /* and no frame of a capture brings one: none is for us */
				take_lease(l, "fritz.box");
			beats(l, b == ATTESTED || b == NO_LEASE ? WINDOW_MS : WINDOW_MS - 1000);
		}
		if (strict) /* any domain is a sign there */
			assert_int_equal(base[ATTESTED][strict].s.zone, ZONE_SUSPECT);
		else
			assert_int_equal(base[ATTESTED][strict].s.zone, ZONE_FOREIGN);
	}
}

/* One claim into each moment, then half a beat, a beat, and the rest of the window. */
static void judge(const char *file, unsigned frame, struct msg_claim *c)
{
	static const unsigned pause_ms[] = { 500, 500, WINDOW_MS };

	for (unsigned i = 0; i < 2 * N_BASES; i++) {
		struct lab with = base[i / 2][i % 2], without = with;

		claim(&with, c);
		for (size_t p = 0; p < ARRAY_LEN(pause_ms); p++) {
			if (is_open(&with.s) && !is_open(&without.s))
				fail_msg("%s frame %u: kind %u opens '%s' in moment %u", file,
					 frame, c->kind, classify_zone_name(with.s.zone), i);
			with.now += pause_ms[p];
			without.now = with.now;
			if (p == ARRAY_LEN(pause_ms) - 1)
				break;
			beat(&with);
			beat(&without);
		}
	}
}

/* In a heap block of exactly its size: a sanitizer sees the first byte too many. */
static void feed(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes)
{
	uint8_t *copy = malloc(len_bytes ? len_bytes : 1);
	struct msg_claim c;

	assert_non_null(copy);
	memcpy(copy, data, len_bytes);
	n_inputs++;
	if (sense_frame(copy, len_bytes, IFINDEX, START_MS, &c) == 0) {
		n_claims++;
		judge(file, frame, &c);
	}
	free(copy);
}

static void ill_treat(const char *file, unsigned frame, const uint8_t *data, size_t len_bytes)
{
	uint8_t copy[65536];

	if (strstr(file, "dhcp_flood") && frame > 2)
		return; /* the same two frames 250 times */
	assert_true(len_bytes <= sizeof(copy));
	memcpy(copy, data, len_bytes);
	for (size_t n = 0; n <= len_bytes; n++)
		feed(file, frame, data, n);
	for (size_t i = 0; i < len_bytes; i++) {
		copy[i] ^= 0xff;
		feed(file, frame, copy, len_bytes);
		copy[i] ^= 0xff;
		for (unsigned bit = 0; bit < 8; bit++) {
			copy[i] ^= (uint8_t)(1u << bit);
			feed(file, frame, copy, len_bytes);
			copy[i] ^= (uint8_t)(1u << bit);
		}
	}
}

static void no_cut_or_flipped_frame_makes_a_zone_looser(void **state)
{
	unsigned n;

	(void)state;
	make_bases();
	n = visit_all(ill_treat);
	print_message("%u frames, %llu inputs, %llu claims\n", n, (unsigned long long)n_inputs,
		      (unsigned long long)n_claims);
	assert_true(n_claims > 10000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_cut_or_flipped_frame_makes_a_zone_looser),
	};

	if (!captures_there())
		return 77;
	return cmocka_run_group_tests_name("captures_hostile", tests, NULL, NULL);
}
