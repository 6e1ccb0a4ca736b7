#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/tpm_name.h"

static uint8_t srk[TPM_SRK_PUBLIC_MAX_BYTES + 1];
static size_t srk_bytes;

/* What swtpm gave for the storage template. */
static int read_srk(void **state)
{
	FILE *f = fopen("tests/fuzz/corpus/tpm_public/srk", "re");

	(void)state;
	if (!f)
		return -1;
	srk_bytes = fread(srk, 1, sizeof(srk), f);
	return fclose(f);
}

static int parse(size_t n, struct tpm_srk *ret)
{
	return tpm_public_srk_parse(bytes_of(srk, n), ret);
}

static void accepts_the_storage_template(void **state)
{
	struct tpm_srk got;

	(void)state;
	assert_int_equal(parse(srk_bytes, &got), 0);
	assert_int_equal(got.public_bytes, srk_bytes);
	assert_memory_equal(got.x, srk + 26, TPM_POINT_BYTES);
	assert_memory_equal(got.y, srk + 60, TPM_POINT_BYTES);
}

static void rejects_every_truncation_and_leaves_out_untouched(void **state)
{
	struct tpm_srk before, got;

	(void)state;
	memset(&got, 0xaa, sizeof(got));
	before = got;
	for (size_t n = 0; n < srk_bytes; n++)
		assert_int_equal(parse(n, &got), -EBADMSG);
	assert_int_equal(parse(srk_bytes + 1, &got), -EBADMSG);
	assert_memory_equal(&got, &before, sizeof(got));
}

/* All but size, Y and unused attribute bits decide what kind of key this is. */
static void rejects_another_kind_of_key(void **state)
{
	static const struct {
		size_t at;
		uint8_t flip;
	} changes[] = {
		{ 3, 0x22 },  /* RSA */
		{ 5, 0x07 },  /* SHA-384 */
		{ 7, 0x01 },  /* not restricted */
		{ 7, 0x02 },  /* not a decryption key */
		{ 7, 0x04 },  /* a signing key */
		{ 9, 0x02 },  /* not fixedTPM: could be known outside */
		{ 9, 0x10 },  /* not fixedParent */
		{ 9, 0x20 },  /* its secret came from elsewhere */
		{ 11, 0x20 }, /* a policy */
		{ 13, 0x01 }, /* not AES */
		{ 14, 0x01 }, /* another key size */
		{ 17, 0x01 }, /* not CFB */
		{ 19, 0x01 }, /* a scheme */
		{ 21, 0x07 }, /* another curve */
		{ 23, 0x01 }, /* a KDF */
		{ 25, 0x01 }, /* a coordinate of 33 bytes */
	};
	struct tpm_srk got;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		srk[changes[i].at] ^= changes[i].flip;
		if (parse(srk_bytes, &got) != -EBADMSG)
			fail_msg("a change at %zu passes", changes[i].at);
		srk[changes[i].at] ^= changes[i].flip;
	}
	assert_int_equal(parse(srk_bytes, &got), 0);
}

/* Any attribute would be another way in: userWithAuth, for one, opens without the PCRs. */
static void an_object_has_no_attribute_and_its_policy(void **state)
{
	uint8_t policy[TPM_DIGEST_BYTES], unique[TPM_DIGEST_BYTES] = { 0 };
	uint8_t object[TPM_OBJECT_PUBLIC_BYTES];

	(void)state;
	memset(policy, 0x70, sizeof(policy));
	tpm_public_object_build(policy, unique, object);
	/* size 2, KEYEDHASH, SHA-256, attributes 4, policy */
	assert_memory_equal(object + 2, "\x00\x08\x00\x0b\0\0\0\0\x00\x20", 10);
	assert_memory_equal(object + 12, policy, sizeof(policy));
}

static void a_name_is_about_one_whole_area(void **state)
{
	uint8_t a[TPM_NAME_BYTES], b[TPM_NAME_BYTES];

	(void)state;
	assert_int_equal(tpm_name_of(srk, srk_bytes, a), 0);
	assert_memory_equal(a, "\x00\x0b", 2);
	srk[srk_bytes - 1] ^= 1;
	assert_int_equal(tpm_name_of(srk, srk_bytes, b), 0);
	assert_memory_not_equal(a, b, TPM_NAME_BYTES);
	srk[srk_bytes - 1] ^= 1;
	for (size_t n = 0; n < srk_bytes; n++)
		assert_int_equal(tpm_name_of(srk, n, b), -EBADMSG);
}

static void a_selection_has_one_bit_for_each_pcr(void **state)
{
	uint8_t got[TPM_PCR_SELECTION_BYTES];

	(void)state;
	tpm_public_selection_build(1 << 4 | 1 << 8 | 1 << 9 | 1 << 15, got);
	assert_memory_equal(got, "\x00\x00\x00\x01\x00\x0b\x03\x10\x83\x00", sizeof(got));
}

static void blank_is_all_zeros_or_all_ones(void **state)
{
	uint8_t value[TPM_N_PCRS][TPM_DIGEST_BYTES];

	(void)state;
	memset(value, 0x31, sizeof(value));
	memset(value[4], 0, sizeof(value[4]));
	memset(value[9], 0xff, sizeof(value[9]));
	memset(value[15], 0, sizeof(value[15]) - 1); /* not quite */
	assert_int_equal(tpm_name_blank_pcrs(0xffffff, value), 1 << 4 | 1 << 9);
	assert_int_equal(tpm_name_blank_pcrs(1 << 4 | 1 << 8, value), 1 << 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_the_storage_template),
		cmocka_unit_test(rejects_every_truncation_and_leaves_out_untouched),
		cmocka_unit_test(rejects_another_kind_of_key),
		cmocka_unit_test(an_object_has_no_attribute_and_its_policy),
		cmocka_unit_test(a_name_is_about_one_whole_area),
		cmocka_unit_test(a_selection_has_one_bit_for_each_pcr),
		cmocka_unit_test(blank_is_all_zeros_or_all_ones),
	};

	return cmocka_run_group_tests_name("tpm_public", tests, read_srk, NULL);
}
