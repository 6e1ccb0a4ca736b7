#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "vhdcrypt/kdf.h"

static const uint8_t layer[KDF_UUID_BYTES] = { 1, 2, 3 };
static const struct kdf_argon cheap = { .ops = KDF_ARGON_OPS_MIN,
					.mem_kib = KDF_ARGON_MEM_MIN_KIB };

static struct secret filled(size_t n, uint8_t byte)
{
	struct secret s = { 0 };

	assert_int_equal(secret_new(&s, n), 0);
	memset(s.bytes, byte, n);
	return s;
}

static void hkdf_gives_what_rfc_5869_test_case_3_says(void **state)
{
	static const uint8_t want[KDF_KEY_BYTES] = {
		0x8d, 0xa4, 0xe7, 0x75, 0xa5, 0x63, 0xc1, 0x8f, 0x71, 0x5f, 0x80,
		0x2a, 0x06, 0x3c, 0x5a, 0x31, 0xb8, 0xa1, 0x1f, 0x5c, 0x5e, 0xe1,
		0x87, 0x9e, 0xc3, 0x45, 0x4e, 0x5f, 0x3c, 0x73, 0x8d, 0x2d,
	};
	uint8_t ikm[22], got[KDF_KEY_BYTES];

	(void)state;
	memset(ikm, 0x0b, sizeof(ikm));
	kdf_hkdf(ikm, sizeof(ikm), "", 0, got);
	assert_memory_equal(got, want, sizeof(want));
}

static void authorisation_value_never_ends_in_zero(void **state)
{
	struct secret a = filled(KDF_KEY_BYTES, 0), auth = { 0 };

	(void)state;
	for (unsigned i = 0; i < 600; i++) { /* without care, one in 256 would */
		a.bytes[0] = (uint8_t)i;
		a.bytes[1] = (uint8_t)(i >> 8);
		assert_int_equal(kdf_auth(&a, &auth), 0);
		assert_int_equal(auth.bytes[KDF_KEY_BYTES - 1] & 1, 1);
		secret_free(&auth);
	}
	secret_free(&a);
}

static void every_input_changes_the_kek(void **state)
{
	static const uint8_t other_layer[KDF_UUID_BYTES] = { 1, 2, 4 };
	struct secret s = filled(32, 1), a = filled(32, 2), base = { 0 }, k = { 0 };

	(void)state;
	assert_int_equal(kdf_kek(&s, &a, layer, &base), 0);
	assert_int_equal(kdf_kek(&s, &a, other_layer, &k), 0);
	assert_memory_not_equal(base.bytes, k.bytes, 32);
	secret_free(&k);
	s.bytes[31] ^= 1;
	assert_int_equal(kdf_kek(&s, &a, layer, &k), 0);
	assert_memory_not_equal(base.bytes, k.bytes, 32);
	secret_free(&k);
	s.bytes[31] ^= 1;
	a.bytes[31] ^= 1;
	assert_int_equal(kdf_kek(&s, &a, layer, &k), 0);
	assert_memory_not_equal(base.bytes, k.bytes, 32);
	secret_free(&k);
	assert_int_equal(kdf_seal_key(&s, layer, &k), 0); /* same share, other purpose */
	assert_memory_not_equal(base.bytes, k.bytes, 32);
	secret_free(&k);
	secret_free(&base);
	secret_free(&s);
	secret_free(&a);
}

static void pin_salt_and_costs_change_a(void **state)
{
	struct kdf_argon argon = cheap;
	struct secret pin = filled(6, '1'), base = { 0 }, a = { 0 };

	(void)state;
	assert_int_equal(kdf_pin(&pin, &argon, &base), 0);
	assert_int_equal(kdf_pin(&pin, &argon, &a), 0);
	assert_memory_equal(base.bytes, a.bytes, 32);
	secret_free(&a);
	argon.salt[15] ^= 1;
	assert_int_equal(kdf_pin(&pin, &argon, &a), 0);
	assert_memory_not_equal(base.bytes, a.bytes, 32);
	secret_free(&a);
	argon = cheap;
	argon.ops++;
	assert_int_equal(kdf_pin(&pin, &argon, &a), 0);
	assert_memory_not_equal(base.bytes, a.bytes, 32);
	secret_free(&a);
	pin.bytes[5] ^= 1;
	assert_int_equal(kdf_pin(&pin, &cheap, &a), 0);
	assert_memory_not_equal(base.bytes, a.bytes, 32);
	secret_free(&a);
	secret_free(&base);
	secret_free(&pin);
}

static void refuses_costs_and_pins_out_of_bounds(void **state)
{
	static const struct kdf_argon wild[] = {
		{ .ops = KDF_ARGON_OPS_MIN - 1, .mem_kib = KDF_ARGON_MEM_MIN_KIB },
		{ .ops = KDF_ARGON_OPS_MAX + 1, .mem_kib = KDF_ARGON_MEM_MIN_KIB },
		{ .ops = KDF_ARGON_OPS_MIN, .mem_kib = KDF_ARGON_MEM_MIN_KIB - 1 },
		{ .ops = KDF_ARGON_OPS_MIN, .mem_kib = KDF_ARGON_MEM_MAX_KIB + 1 },
	};
	struct secret pin = filled(KDF_PIN_MAX_BYTES + 1, '1'), a = { 0 };

	(void)state;
	assert_int_equal(kdf_pin(&pin, &cheap, &a), -EINVAL);
	pin.len_bytes = KDF_PIN_MIN_BYTES - 1;
	assert_int_equal(kdf_pin(&pin, &cheap, &a), -EINVAL);
	pin.len_bytes = KDF_PIN_MIN_BYTES;
	for (unsigned i = 0; i < sizeof(wild) / sizeof(wild[0]); i++)
		assert_int_equal(kdf_pin(&pin, &wild[i], &a), -EINVAL);
	assert_null(a.bytes);
	secret_free(&pin);
}

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hkdf_gives_what_rfc_5869_test_case_3_says),
		cmocka_unit_test(authorisation_value_never_ends_in_zero),
		cmocka_unit_test(every_input_changes_the_kek),
		cmocka_unit_test(pin_salt_and_costs_change_a),
		cmocka_unit_test(refuses_costs_and_pins_out_of_bounds),
	};

	return cmocka_run_group_tests_name("kdf", tests, start, NULL);
}
