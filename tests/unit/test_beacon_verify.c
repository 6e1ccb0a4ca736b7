/* Certificates and announcements: what vouches for a beacon before it is asked. */
#include "tests/unit/beacon_lab.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_certificate_holds_in_its_time_and_epoch_only),
		cmocka_unit_test(no_bit_of_a_certificate_can_change),
		cmocka_unit_test(a_signature_counts_only_under_the_name_of_its_format),
		cmocka_unit_test(an_announcement_needs_both_signatures),
		cmocka_unit_test(a_stale_announcement_is_still_a_sign),
		cmocka_unit_test(a_signature_of_one_format_is_none_in_another),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("beacon_verify", tests, NULL, NULL);
}
