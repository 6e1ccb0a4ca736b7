/* Probes, and the replies to them that prove. */
#include "tests/unit/beacon_lab.h"

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
	return cmocka_run_group_tests_name("beacon_verify_reply", tests, NULL, NULL);
}
