#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "netguard/beacon_verify.h"

enum { NOW_S = 1000, EPOCH = 3 };

/* A root, a beacon with its certificate, and a laptop in the middle of a probe. */
struct lab {
	uint8_t root_key[32], root_secret[64];
	uint8_t sign_key[32], sign_secret[64];
	uint8_t box_key[32], box_secret[32];
	struct beacon_certificate certificate;
	uint8_t certificate_wire[BEACON_CERTIFICATE_BYTES];
	struct beacon_expect expect;
	struct beacon_probe probe;
	struct beacon_reply reply; /* a good one, unsigned */
};

static void begin(struct lab *l)
{
	memset(l, 0, sizeof(*l));
	(void)crypto_sign_keypair(l->root_key, l->root_secret);
	(void)crypto_sign_keypair(l->sign_key, l->sign_secret);
	(void)crypto_box_keypair(l->box_key, l->box_secret);
	l->certificate = (struct beacon_certificate){
		.proof_class = PROOF_CLASS_LINK,
		.epoch = EPOCH,
		.not_before_wall_s = NOW_S - 10,
		.not_after_wall_s = NOW_S + 10,
		.site = "hq",
	};
	memcpy(l->certificate.sign_key, l->sign_key, 32);
	memcpy(l->certificate.box_key, l->box_key, 32);
	assert_int_equal(beacon_verify_certificate_sign(&l->certificate, l->root_secret,
							l->certificate_wire),
			 0);

	randombytes_buf(l->probe.nonce, sizeof(l->probe.nonce));
	randombytes_buf(l->probe.reply_key, sizeof(l->probe.reply_key));
	memcpy(l->expect.reply_key, l->probe.reply_key, sizeof(l->expect.reply_key));
	memcpy(l->expect.nonce, l->probe.nonce, sizeof(l->expect.nonce));
	memcpy(l->expect.certificate_wire, l->certificate_wire, sizeof(l->certificate_wire));
	l->expect.certificate = l->certificate;
	l->expect.own = (struct beacon_observed){ 4, 255, { 2, 0, 0, 0, 0, 1 }, { 192, 0, 2, 1 } };

	l->reply = (struct beacon_reply){ .site = "hq", .epoch = EPOCH, .lifetime_s = 60 };
	memcpy(l->reply.client_nonce, l->probe.nonce, sizeof(l->reply.client_nonce));
	l->reply.observed = l->expect.own;
	beacon_verify_certificate_hash(l->certificate_wire, l->reply.certificate_hash);
}

static struct beacon_answer sealed(const struct lab *l)
{
	struct beacon_answer a = { .reply = l->reply };

	memcpy(a.reply_key, l->probe.reply_key, sizeof(a.reply_key));
	assert_int_equal(beacon_verify_answers_seal(&a, 1, l->sign_secret), 0);
	return a;
}

static enum reason answer(const struct lab *l)
{
	struct beacon_answer a = sealed(l);
	struct beacon_reply ret;

	return beacon_verify_reply(a.wire, sizeof(a.wire), &l->expect, &ret);
}

static enum reason check_certificate(const struct lab *l, uint64_t now, uint64_t min_epoch)
{
	struct beacon_certificate c;

	return beacon_verify_certificate(l->certificate_wire, sizeof(l->certificate_wire),
					 l->root_key, now, min_epoch, &c);
}

static void a_certificate_holds_in_its_time_and_epoch_only(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	assert_int_equal(check_certificate(&l, NOW_S, EPOCH), REASON_OK);
	assert_int_equal(check_certificate(&l, NOW_S - 10, 0), REASON_OK);
	assert_int_equal(check_certificate(&l, NOW_S + 10, 0), REASON_OK);
	assert_int_equal(check_certificate(&l, NOW_S - 11, 0), REASON_BEACON_CERTIFICATE);
	assert_int_equal(check_certificate(&l, NOW_S + 11, 0), REASON_BEACON_CERTIFICATE);
	assert_int_equal(check_certificate(&l, NOW_S, EPOCH + 1), REASON_BEACON_EPOCH);
}

static void no_bit_of_a_certificate_can_change(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	for (size_t i = 0; i < sizeof(l.certificate_wire); i++) {
		l.certificate_wire[i] ^= 1;
		assert_true(check_certificate(&l, NOW_S, 0) == REASON_BEACON_SIGNATURE ||
			    check_certificate(&l, NOW_S, 0) == REASON_BEACON_FORMAT);
		l.certificate_wire[i] ^= 1;
	}
	l.root_key[0] ^= 1;
	assert_int_equal(check_certificate(&l, NOW_S, 0), REASON_BEACON_SIGNATURE);
}

/* A root key that also signs other things must not sign our certificates by accident. */
static void a_signature_counts_only_under_the_name_of_its_format(void **state)
{
	const size_t body = BEACON_CERTIFICATE_BYTES - BEACON_SIG_BYTES;
	uint8_t named[32 + BEACON_CERTIFICATE_BYTES] = "bulkhead site certificate v2";
	struct lab l;

	(void)state;
	begin(&l);
	(void)crypto_sign_detached(l.certificate_wire + body, NULL, l.certificate_wire, body,
				   l.root_secret);
	assert_int_equal(check_certificate(&l, NOW_S, 0), REASON_BEACON_SIGNATURE);
	memcpy(named + 32, l.certificate_wire, body);
	(void)crypto_sign_detached(l.certificate_wire + body, NULL, named, 32 + body,
				   l.root_secret);
	assert_int_equal(check_certificate(&l, NOW_S, 0), REASON_OK);
	memcpy(named, "bulkhead announcement v2", 25);
	(void)crypto_sign_detached(l.certificate_wire + body, NULL, named, 32 + body,
				   l.root_secret);
	assert_int_equal(check_certificate(&l, NOW_S, 0), REASON_BEACON_SIGNATURE);
}

static void an_announcement_needs_both_signatures(void **state)
{
	uint8_t wire[BEACON_ANNOUNCEMENT_BYTES], other_key[32], other_secret[64];
	struct beacon_announcement a = { .counter = 1 }, ret;
	struct lab l;

	(void)state;
	begin(&l);
	memcpy(a.certificate_wire, l.certificate_wire, sizeof(l.certificate_wire));
	assert_int_equal(beacon_verify_announcement_sign(&a, l.sign_secret, wire), 0);
	assert_int_equal(beacon_verify_announcement(wire, sizeof(wire), l.root_key, NOW_S, 0, &ret),
			 REASON_OK);
	assert_int_equal(ret.counter, 1);
	for (size_t i = 0; i < sizeof(wire); i++) {
		enum reason r;

		wire[i] ^= 0x80;
		r = beacon_verify_announcement(wire, sizeof(wire), l.root_key, NOW_S, 0, &ret);
		assert_true(r == REASON_BEACON_SIGNATURE || r == REASON_BEACON_FORMAT);
		assert_false(beacon_verify_is_sign(r));
		wire[i] ^= 0x80;
	}
	(void)crypto_sign_keypair(other_key, other_secret);
	assert_int_equal(beacon_verify_announcement_sign(&a, other_secret, wire), 0);
	assert_int_equal(beacon_verify_announcement(wire, sizeof(wire), l.root_key, NOW_S, 0, &ret),
			 REASON_BEACON_SIGNATURE);
}

static void a_stale_announcement_is_still_a_sign(void **state)
{
	uint8_t wire[BEACON_ANNOUNCEMENT_BYTES];
	struct beacon_announcement a = { .counter = 1 }, ret;
	enum reason expired, old;
	struct lab l;

	(void)state;
	begin(&l);
	memcpy(a.certificate_wire, l.certificate_wire, sizeof(l.certificate_wire));
	assert_int_equal(beacon_verify_announcement_sign(&a, l.sign_secret, wire), 0);
	expired = beacon_verify_announcement(wire, sizeof(wire), l.root_key, NOW_S + 99, 0, &ret);
	old = beacon_verify_announcement(wire, sizeof(wire), l.root_key, NOW_S, EPOCH + 1, &ret);
	assert_int_equal(expired, REASON_BEACON_CERTIFICATE);
	assert_int_equal(old, REASON_BEACON_EPOCH);
	assert_true(beacon_verify_is_sign(expired) && beacon_verify_is_sign(old));
	assert_true(beacon_verify_is_sign(REASON_OK));
	assert_false(beacon_verify_is_sign(REASON_BEACON_TIMEOUT));
}

static void a_signature_of_one_format_is_none_in_another(void **state)
{
	uint8_t wire[BEACON_CERTIFICATE_BYTES];
	struct lab l;

	(void)state;
	begin(&l);
	/* the root signs the same bytes without the certificate's name before them */
	memcpy(wire, l.certificate_wire, sizeof(wire));
	(void)crypto_sign_detached(wire + 128, NULL, wire, 128, l.root_secret);
	memcpy(l.certificate_wire, wire, sizeof(wire));
	assert_int_equal(check_certificate(&l, NOW_S, 0), REASON_BEACON_SIGNATURE);
}

static void only_the_beacon_can_open_a_probe(void **state)
{
	uint8_t wire[BEACON_PROBE_BYTES], again[BEACON_PROBE_BYTES], key[32], secret[32];
	struct beacon_probe p;
	struct lab l;

	(void)state;
	begin(&l);
	assert_int_equal(beacon_verify_probe_seal(&l.probe, l.box_key, wire), 0);
	assert_int_equal(beacon_verify_probe_open(wire, sizeof(wire), l.box_key, l.box_secret, &p),
			 0);
	assert_memory_equal(&p, &l.probe, sizeof(p));
	(void)crypto_box_keypair(key, secret);
	assert_int_equal(beacon_verify_probe_open(wire, sizeof(wire), key, secret, &p), -EBADMSG);
	assert_int_equal(
		beacon_verify_probe_open(wire, sizeof(wire) - 1, l.box_key, l.box_secret, &p),
		-EBADMSG);
	/* two probes have nothing in common but the header: no one can tell a laptop by them */
	assert_int_equal(beacon_verify_probe_seal(&l.probe, l.box_key, again), 0);
	assert_memory_not_equal(wire + 8, again + 8, 32);
	wire[100] ^= 1;
	assert_int_equal(beacon_verify_probe_open(wire, sizeof(wire), l.box_key, l.box_secret, &p),
			 -EBADMSG);
}

static void a_good_reply_proves(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	assert_int_equal(answer(&l), REASON_OK);
}

static void a_reply_to_another_probe_is_refused(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.expect.nonce[31] ^= 1;
	assert_int_equal(answer(&l), REASON_BEACON_NONCE);
}

static void a_reply_that_saw_another_sender_is_refused(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.reply.observed.mac[5] ^= 1;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
	begin(&l);
	l.reply.observed.address[3] ^= 1;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
	begin(&l);
	l.reply.observed.hop_limit = 254;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
	begin(&l);
	l.reply.observed.family = 6;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
}

static void a_reply_for_another_certificate_or_site_is_refused(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.reply.certificate_hash[0] ^= 1;
	assert_int_equal(answer(&l), REASON_BEACON_CERTIFICATE);
	begin(&l);
	l.reply.site[0] = 'x';
	assert_int_equal(answer(&l), REASON_BEACON_CERTIFICATE);
	begin(&l);
	l.reply.epoch--;
	assert_int_equal(answer(&l), REASON_BEACON_EPOCH);
}

static void a_lifetime_of_nothing_or_over_a_minute_is_refused(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.reply.lifetime_s = 0;
	assert_int_equal(answer(&l), REASON_BEACON_LIFETIME);
	l.reply.lifetime_s = 61;
	assert_int_equal(answer(&l), REASON_BEACON_LIFETIME);
}

static void a_reply_signed_by_another_key_is_refused(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	(void)crypto_sign_keypair(l.sign_key, l.sign_secret); /* not the certificate's */
	assert_int_equal(answer(&l), REASON_BEACON_SIGNATURE);
	begin(&l);
	l.probe.reply_key[0] ^= 1; /* sealed by somebody who could not open the probe */
	assert_int_equal(answer(&l), REASON_BEACON_FORMAT);
}

static void in_a_tunnel_the_address_is_what_is_compared(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.expect.certificate.proof_class = PROOF_CLASS_TUNNEL;
	memset(l.reply.observed.mac, 0, sizeof(l.reply.observed.mac));
	l.reply.observed.hop_limit = 61;
	assert_int_equal(answer(&l), REASON_OK);
	l.reply.observed.address[3] ^= 1;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
	l.reply.observed.address[3] ^= 1;
	l.reply.observed.family = 6;
	assert_int_equal(answer(&l), REASON_BEACON_OBSERVED);
}

static void no_bit_and_no_cut_of_a_reply_passes(void **state)
{
	struct beacon_reply ret, before;
	struct beacon_answer a;
	struct lab l;

	(void)state;
	begin(&l);
	memset(&ret, 0xaa, sizeof(ret));
	before = ret;
	a = sealed(&l);
	for (size_t i = 0; i < sizeof(a.wire); i++) {
		a.wire[i] ^= 1;
		assert_int_equal(beacon_verify_reply(a.wire, sizeof(a.wire), &l.expect, &ret),
				 REASON_BEACON_FORMAT);
		a.wire[i] ^= 1;
		assert_int_equal(beacon_verify_reply(a.wire, i, &l.expect, &ret),
				 REASON_BEACON_FORMAT);
	}
	assert_memory_equal(&ret, &before, sizeof(ret));
	assert_int_equal(beacon_verify_reply(a.wire, sizeof(a.wire), &l.expect, &ret), REASON_OK);
}

/* The box as somebody would make it who knows the reply key: what holds then is the signature. */
static enum reason reseal(const struct lab *l, const struct beacon_reply *r)
{
	uint8_t plain[BEACON_REPLY_PLAIN_BYTES], wire[BEACON_REPLY_BYTES] = { 0 };
	struct beacon_reply ret;

	beacon_wire_reply_build(r, plain);
	beacon_wire_reply_header_build(wire);
	(void)crypto_secretbox_easy(wire + 32, plain, sizeof(plain), wire + 8, l->probe.reply_key);
	return beacon_verify_reply(wire, sizeof(wire), &l->expect, &ret);
}

static void one_signature_holds_for_each_reply_of_a_round_and_no_other(void **state)
{
	static struct beacon_answer a[BEACON_TREE_LEAVES_MAX];
	struct beacon_reply ret;
	struct lab l;

	(void)state;
	begin(&l);
	for (size_t i = 0; i < BEACON_TREE_LEAVES_MAX; i++) {
		a[i].reply = l.reply;
		a[i].reply.client_nonce[0] ^= (uint8_t)i; /* each laptop its own */
		memcpy(a[i].reply_key, l.probe.reply_key, sizeof(a[i].reply_key));
	}
	assert_int_equal(beacon_verify_answers_seal(a, BEACON_TREE_LEAVES_MAX, l.sign_secret), 0);
	for (size_t i = 0; i < BEACON_TREE_LEAVES_MAX; i++) {
		struct beacon_reply forged = a[i].reply;

		assert_int_equal(beacon_verify_reply(a[i].wire, sizeof(a[i].wire), &l.expect, &ret),
				 i == 0 ? REASON_OK : REASON_BEACON_NONCE);
		assert_int_equal(reseal(&l, &forged), i == 0 ? REASON_OK : REASON_BEACON_NONCE);
		assert_memory_equal(a[i].reply.signature, a[0].reply.signature, BEACON_SIG_BYTES);
		/* another's leaf with this one's way up */
		memcpy(forged.client_nonce, l.probe.nonce, sizeof(forged.client_nonce));
		if (i > 0)
			assert_int_equal(reseal(&l, &forged), REASON_BEACON_SIGNATURE);
		forged = a[i].reply;
		forged.path.step[0][0] ^= 1;
		assert_int_equal(reseal(&l, &forged), REASON_BEACON_SIGNATURE);
		forged = a[i].reply;
		forged.lifetime_s--;
		assert_int_equal(reseal(&l, &forged), REASON_BEACON_SIGNATURE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_holds_in_its_time_and_epoch_only),
		cmocka_unit_test(no_bit_of_a_certificate_can_change),
		cmocka_unit_test(a_signature_counts_only_under_the_name_of_its_format),
		cmocka_unit_test(an_announcement_needs_both_signatures),
		cmocka_unit_test(a_stale_announcement_is_still_a_sign),
		cmocka_unit_test(a_signature_of_one_format_is_none_in_another),
		cmocka_unit_test(only_the_beacon_can_open_a_probe),
		cmocka_unit_test(a_good_reply_proves),
		cmocka_unit_test(a_reply_to_another_probe_is_refused),
		cmocka_unit_test(a_reply_that_saw_another_sender_is_refused),
		cmocka_unit_test(a_reply_for_another_certificate_or_site_is_refused),
		cmocka_unit_test(a_lifetime_of_nothing_or_over_a_minute_is_refused),
		cmocka_unit_test(a_reply_signed_by_another_key_is_refused),
		cmocka_unit_test(in_a_tunnel_the_address_is_what_is_compared),
		cmocka_unit_test(no_bit_and_no_cut_of_a_reply_passes),
		cmocka_unit_test(one_signature_holds_for_each_reply_of_a_round_and_no_other),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("beacon_verify", tests, NULL, NULL);
}
