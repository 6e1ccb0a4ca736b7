#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>
#include <gcrypt.h>

#include "vhdcrypt/sector.h"
#include "tests/unit/skip.h"

/* IEEE 1619-2007 annex B, vectors 10 to 14: digits of e and pi. */
static const uint8_t KEY[SECTOR_KEY_BYTES] = {
	0x27, 0x18, 0x28, 0x18, 0x28, 0x45, 0x90, 0x45, 0x23, 0x53, 0x60, 0x28, 0x74,
	0x71, 0x35, 0x26, 0x62, 0x49, 0x77, 0x57, 0x24, 0x70, 0x93, 0x69, 0x99, 0x59,
	0x57, 0x49, 0x66, 0x96, 0x76, 0x27, 0x31, 0x41, 0x59, 0x26, 0x53, 0x58, 0x97,
	0x93, 0x23, 0x84, 0x62, 0x64, 0x33, 0x83, 0x27, 0x95, 0x02, 0x88, 0x41, 0x97,
	0x16, 0x93, 0x99, 0x37, 0x51, 0x05, 0x82, 0x09, 0x74, 0x94, 0x45, 0x92,
};

/* First and last 16 of the 512 bytes of ciphertext of 00 01 .. ff 00 01 .. ff. */
static const struct vector {
	uint64_t unit;
	uint8_t first[16], last[16];
} IEEE_1619[] = {
	{ 0xff,
	  { 0x1c, 0x3b, 0x3a, 0x10, 0x2f, 0x77, 0x03, 0x86, 0xe4, 0x83, 0x6c, 0x99, 0xe3, 0x70,
	    0xcf, 0x9b },
	  { 0xc4, 0xf3, 0x6f, 0xfd, 0xa9, 0xfc, 0xea, 0x70, 0xb9, 0xc6, 0xe6, 0x93, 0xe1, 0x48,
	    0xc1, 0x51 } },
	{ 0xffff,
	  { 0x77, 0xa3, 0x12, 0x51, 0x61, 0x8a, 0x15, 0xe6, 0xb9, 0x2d, 0x1d, 0x66, 0xdf, 0xfe,
	    0x7b, 0x50 },
	  { 0xa4, 0xf9, 0xe2, 0x7b, 0x42, 0xaf, 0x81, 0x00, 0xcb, 0x9d, 0x59, 0xce, 0xf9, 0x64,
	    0x58, 0x03 } },
	{ 0xffffff,
	  { 0xe3, 0x87, 0xaa, 0xa5, 0x8b, 0xa4, 0x83, 0xaf, 0xa7, 0xe8, 0xeb, 0x46, 0x97, 0x78,
	    0x31, 0x7e },
	  { 0x22, 0x63, 0xa1, 0xee, 0xf5, 0x2d, 0xd6, 0x88, 0x8c, 0x30, 0x9f, 0x5a, 0x7d, 0x71,
	    0x28, 0x26 } },
	{ 0xffffffff,
	  { 0xbf, 0x53, 0xd2, 0xda, 0xde, 0x78, 0xe8, 0x22, 0xa4, 0xd9, 0x49, 0xa9, 0xbc, 0x67,
	    0x66, 0xb0 },
	  { 0x4c, 0x82, 0xf3, 0x35, 0xab, 0xb1, 0x52, 0xc4, 0xa9, 0x34, 0x11, 0x37, 0x3a, 0xaa,
	    0x82, 0x20 } },
	{ 0xffffffffff,
	  { 0x64, 0x49, 0x7e, 0x5a, 0x83, 0x1e, 0x4a, 0x93, 0x2c, 0x09, 0xbe, 0x3e, 0x53, 0x93,
	    0x37, 0x6d },
	  { 0xd6, 0x09, 0xd2, 0x73, 0xad, 0x5b, 0x0d, 0x59, 0x63, 0x1c, 0x53, 0x1f, 0x6a, 0x0a,
	    0x57, 0xb9 } },
};

/* 4096-byte sectors, key as above, byte i of the disk = 7i + i/256: from another implementation
 * (OpenSSL by way of python3-cryptography). First 16 bytes of the sectors at 0 and at 8. */
static const uint8_t SECTOR_4096[2][16] = {
	{ 0xa7, 0x13, 0xe6, 0x49, 0x3c, 0x9e, 0x1d, 0xb2, 0x08, 0xb2, 0x9d, 0xe5, 0x9a, 0x0b, 0x3a,
	  0x0b },
	{ 0x86, 0x45, 0x2c, 0xe0, 0x4d, 0xfb, 0x0e, 0xc4, 0x7b, 0xee, 0xbf, 0x9a, 0xe5, 0x7a, 0x13,
	  0x60 },
};

/* What the CPU has, or libgcrypt: all that is tested here holds of both. */
static int (*make)(const uint8_t *, uint32_t, struct sector **);

static struct sector *sector_of(uint32_t bytes)
{
	struct sector *s;

	assert_int_equal(make(KEY, bytes, &s), 0);
	return s;
}

/* Sums and hashes of a conversion are libgcrypt's, by several threads, whoever the cipher is. */
static void who_has_a_cipher_finds_libgcrypt_started(void **state)
{
	struct sector *s = sector_of(512);

	(void)state;
	assert_true(gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P));
	sector_free(s);
}

static void the_vectors_of_ieee_1619_hold(void **state)
{
	struct sector *s = sector_of(512);
	uint8_t plain[512], sealed[512];

	(void)state;
	for (size_t i = 0; i < sizeof(plain); i++)
		plain[i] = (uint8_t)i;
	for (size_t i = 0; i < sizeof(IEEE_1619) / sizeof(IEEE_1619[0]); i++) {
		const struct vector *v = &IEEE_1619[i];

		assert_int_equal(sector_encrypt(s, v->unit, plain, sealed, 512), 0);
		assert_memory_equal(sealed, v->first, 16);
		assert_memory_equal(sealed + 496, v->last, 16);
		assert_int_equal(sector_decrypt(s, v->unit, sealed, sealed, 512), 0);
		assert_memory_equal(sealed, plain, 512);
	}
	sector_free(s);
}

static void a_4096_byte_sector_has_the_number_of_its_first_512(void **state)
{
	struct sector *s = sector_of(4096);
	uint8_t data[8192];

	(void)state;
	for (unsigned i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + i / 256);
	assert_int_equal(sector_encrypt(s, 0, data, data, sizeof(data)), 0);
	assert_memory_equal(data, SECTOR_4096[0], 16);
	assert_memory_equal(data + 4096, SECTOR_4096[1], 16);
	sector_free(s);
}

static void many_sectors_at_once_are_as_one_by_one(void **state)
{
	struct sector *s = sector_of(512);
	uint8_t plain[16 * 512], all[sizeof(plain)], each[sizeof(plain)];

	(void)state;
	memset(plain, 0x5a, sizeof(plain));
	assert_int_equal(sector_encrypt(s, 1000, plain, all, sizeof(all)), 0);
	for (unsigned i = 0; i < 16; i++)
		assert_int_equal(sector_encrypt(s, 1000 + i, plain + i * 512, each + i * 512, 512),
				 0);
	assert_memory_equal(all, each, sizeof(all));
	assert_memory_not_equal(all, all + 512, 512);
	sector_free(s);
}

static void half_a_sector_and_a_sector_off_its_border_are_refused(void **state)
{
	struct sector *small = sector_of(512), *large = sector_of(4096);
	uint8_t data[4096] = { 0 };

	(void)state;
	assert_int_equal(sector_encrypt(small, 0, data, data, 511), -EINVAL);
	assert_int_equal(sector_encrypt(large, 0, data, data, 512), -EINVAL);
	assert_int_equal(sector_decrypt(large, 4, data, data, 4096), -EINVAL);
	sector_free(small);
	sector_free(large);
}

static void a_key_with_equal_halves_or_an_odd_sector_size_is_refused(void **state)
{
	uint8_t weak[SECTOR_KEY_BYTES];
	struct sector *s;

	(void)state;
	memcpy(weak, KEY, 32);
	memcpy(weak + 32, KEY, 32);
	assert_int_equal(make(weak, 512, &s), -EINVAL);
	assert_int_equal(make(KEY, 1024, &s), -EINVAL);
	assert_int_equal(make(KEY, 0, &s), -EINVAL);
}

static void *encrypt_often(void *context)
{
	uint8_t data[4096];

	for (unsigned i = 0; i < 200; i++) {
		for (unsigned k = 0; k < sizeof(data); k++)
			data[k] = (uint8_t)(k * 7 + k / 256);
		if (sector_encrypt(context, 0, data, data, sizeof(data)) != 0 ||
		    memcmp(data, SECTOR_4096[0], 16) != 0)
			return context;
	}
	return NULL;
}

static void more_threads_than_lanes_do_not_disturb_each_other(void **state)
{
	struct sector *s = sector_of(4096);
	pthread_t thread[24];

	(void)state;
	for (unsigned i = 0; i < 24; i++)
		assert_int_equal(pthread_create(&thread[i], NULL, encrypt_often, s), 0);
	for (unsigned i = 0; i < 24; i++) {
		void *bad;

		assert_int_equal(pthread_join(thread[i], &bad), 0);
		assert_null(bad);
	}
	sector_free(s);
}

/* libgcrypt alone would warn, or not even that. Before all others: its pool is made once. */
static void keys_that_cannot_be_locked_are_not_taken(void **state)
{
	static const struct rlimit none = { 0, 0 };
	struct sector *s;
	pid_t pid;
	int status;

	(void)state;
#ifdef SANITIZED
	skip_because(SKIP_NO_LOCK);
#endif
	for (unsigned i = 0; i < 2; i++) {
		pid = fork();
		if (pid == 0) {
			if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 ||
			    (getuid() == 0 && setuid(61234) < 0))
				_exit(9);
			_exit((i ? sector_new_portable : sector_new)(KEY, 512, &s) == -ENOMEM ? 0
											      : 1);
		}
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

static int by_cpu(void **state)
{
	(void)state;
	make = sector_new;
	return 0;
}

static int by_libgcrypt(void **state)
{
	(void)state;
	make = sector_new_portable;
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keys_that_cannot_be_locked_are_not_taken),
		cmocka_unit_test_setup(who_has_a_cipher_finds_libgcrypt_started, by_cpu),
		cmocka_unit_test_setup(the_vectors_of_ieee_1619_hold, by_cpu),
		cmocka_unit_test_setup(a_4096_byte_sector_has_the_number_of_its_first_512, by_cpu),
		cmocka_unit_test_setup(many_sectors_at_once_are_as_one_by_one, by_cpu),
		cmocka_unit_test_setup(half_a_sector_and_a_sector_off_its_border_are_refused,
				       by_cpu),
		cmocka_unit_test_setup(a_key_with_equal_halves_or_an_odd_sector_size_is_refused,
				       by_cpu),
		cmocka_unit_test_setup(more_threads_than_lanes_do_not_disturb_each_other, by_cpu),
		cmocka_unit_test_setup(who_has_a_cipher_finds_libgcrypt_started, by_libgcrypt),
		cmocka_unit_test_setup(the_vectors_of_ieee_1619_hold, by_libgcrypt),
		cmocka_unit_test_setup(a_4096_byte_sector_has_the_number_of_its_first_512,
				       by_libgcrypt),
		cmocka_unit_test_setup(many_sectors_at_once_are_as_one_by_one, by_libgcrypt),
		cmocka_unit_test_setup(half_a_sector_and_a_sector_off_its_border_are_refused,
				       by_libgcrypt),
		cmocka_unit_test_setup(a_key_with_equal_halves_or_an_odd_sector_size_is_refused,
				       by_libgcrypt),
		cmocka_unit_test_setup(more_threads_than_lanes_do_not_disturb_each_other,
				       by_libgcrypt),
	};

	return cmocka_run_group_tests_name("sector", tests, NULL, NULL);
}
