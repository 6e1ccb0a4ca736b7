#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <gcrypt.h>

#include "vhdcrypt/sector_vaes.h"
#include "tests/unit/skip.h"

enum { KEY = SECTOR_KEY_BYTES, MOST_BYTES = 64 * 1024, ROUNDS = 400, ROOM = 64 };

/* IEEE 1619-2007 annex B, vector 10, and the first and last 16 of its 512 bytes: 00 01 .. ff 00 .. ff. */
static const uint8_t IEEE_KEY[KEY] = {
	0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74,
	0x71, 0x35, 0x26, 0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59,
	0x57, 0x49, 0x66, 0x96, 0x76, 0x27, 0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97,
	0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95, 0x02, 0x88, 0x41, 0x97,
	0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
};
static const uint8_t IEEE_FIRST[16] = { 0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86,
					0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70, 0xcf, 0x9b };
static const uint8_t IEEE_LAST[16] = { 0xc4, 0xf3, 0x6f, 0xfd, 0xa9, 0xfc, 0xea, 0x70,
				       0xb9, 0xc6, 0xe6, 0x93, 0xe1, 0x48, 0xc1, 0x51 };

static void need_vaes(void)
{
	if (!sector_vaes_usable())
		skip_because("this CPU has no VAES");
}

static void a_vector_of_ieee_1619_holds(void **state)
{
	struct sector_vaes key;
	uint8_t plain[512], sealed[512];

	(void)state;
	need_vaes();
	for (unsigned i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	sector_vaes_expand(IEEE_KEY, &key);
	sector_vaes_crypt(&key, true, 512, 0xff, plain, sealed, 512);
	assert_memory_equal(sealed, IEEE_FIRST, 16);
	assert_memory_equal(sealed + 496, IEEE_LAST, 16);
	sector_vaes_crypt(&key, false, 512, 0xff, sealed, sealed, 512);
	assert_memory_equal(sealed, plain, 512);
}

static void by_libgcrypt(const uint8_t *key, bool encrypt, uint32_t sector_bytes, uint64_t lba_512,
			 uint8_t *data, size_t len_bytes)
{
	gcry_cipher_hd_t hd;

	assert_int_equal(gcry_cipher_open(&hd, GCRY_CIPHER_AES256, GCRY_CIPHER_MODE_XTS, 0), 0);
	assert_int_equal(gcry_cipher_setkey(hd, key, KEY), 0);
	for (size_t at = 0; at < len_bytes; at += sector_bytes) {
		uint8_t tweak[16] = { 0 };

		for (unsigned i = 0; i < 8; i++)
			tweak[i] = (uint8_t)((lba_512 + at / 512) >> 8 * i);
		assert_int_equal(gcry_cipher_setiv(hd, tweak, sizeof(tweak)), 0);
		assert_int_equal((encrypt ? gcry_cipher_encrypt : gcry_cipher_decrypt)(
					 hd, data + at, sector_bytes, NULL, 0),
				 0);
	}
	gcry_cipher_close(hd);
}

/* Any key, number, length and place in memory; also from one buffer to another, and nothing beside it. */
static void one_random_call(struct sector_vaes *key)
{
	static uint8_t in[MOST_BYTES + ROOM], want[MOST_BYTES], room[MOST_BYTES + 2 * ROOM];
	uint32_t sector_bytes = rand() % 2 ? 512 : 4096;
	size_t n = ((size_t)rand() % (MOST_BYTES / sector_bytes) + 1) * sector_bytes;
	uint64_t lba = ((uint64_t)rand() << 33 ^ (uint64_t)rand()) / 8 * 8;
	uint8_t raw[KEY], *from = in + rand() % ROOM, *to = room + rand() % ROOM + 1;
	bool encrypt = rand() % 2;

	for (unsigned i = 0; i < KEY; i++)
		raw[i] = (uint8_t)rand();
	for (size_t i = 0; i < n; i++)
		from[i] = (uint8_t)rand();
	memcpy(want, from, n);
	by_libgcrypt(raw, encrypt, sector_bytes, lba, want, n);
	memset(room, 0xa5, sizeof(room));
	sector_vaes_expand(raw, key);
	sector_vaes_crypt(key, encrypt, sector_bytes, lba, from, to, n);
	assert_memory_equal(to, want, n);
	assert_int_equal(to[-1], 0xa5);
	assert_int_equal(to[n], 0xa5);
	sector_vaes_crypt(key, encrypt, sector_bytes, lba, from, from, n);
	assert_memory_equal(from, want, n);
	sector_vaes_crypt(key, !encrypt, sector_bytes, lba, to, to, n);
	by_libgcrypt(raw, !encrypt, sector_bytes, lba, want, n);
	assert_memory_equal(to, want, n);
}

static void it_is_what_libgcrypt_makes_of_it(void **state)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : 1;
	struct sector_vaes key;

	(void)state;
	need_vaes();
	printf("# seed %u\n", seed);
	srand(seed);
	for (unsigned i = 0; i < ROUNDS; i++)
		one_random_call(&key);
}

/* x^128 comes back as 0x87, and numbers beyond 2^32 and at the end of 2^64 count. */
static void the_last_numbers_of_64_bits_are_numbers(void **state)
{
	static const uint64_t LBA[] = {
		0, 1, UINT32_MAX, 1ULL << 32, (1ULL << 63) - 8, UINT64_MAX - 15
	};
	struct sector_vaes key;
	uint8_t data[8192], want[8192];

	(void)state;
	need_vaes();
	sector_vaes_expand(IEEE_KEY, &key);
	for (unsigned i = 0; i < sizeof(LBA) / sizeof(LBA[0]); i++) {
		memset(data, 0, sizeof(data));
		memset(want, 0, sizeof(want));
		by_libgcrypt(IEEE_KEY, true, 512, LBA[i], want, sizeof(want));
		sector_vaes_crypt(&key, true, 512, LBA[i], data, data, sizeof(data));
		assert_memory_equal(data, want, sizeof(data));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_vector_of_ieee_1619_holds),
		cmocka_unit_test(it_is_what_libgcrypt_makes_of_it),
		cmocka_unit_test(the_last_numbers_of_64_bits_are_numbers),
	};

	(void)gcry_check_version(NULL);
	return cmocka_run_group_tests_name("sector_vaes", tests, NULL, NULL);
}
