/* The vectors were made by minisign(1) 0.11; their secret keys stand here and protect nothing. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "policy/minisign.h"

#define UNTRUSTED "untrusted comment: x\n"

static const char key_a[] = "RWRiGougFN3uxUxXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3";
static const char key_b[] = "RWSNDmjM1lVBHA58Yoagl6CiVZCHgV4Q7dxlK7fpk9uXQgsO0HvbkM0+";
static const char data[] = "hello\n";

static const char secret_a[] =
	"untrusted comment: minisign encrypted secret key\n"
	"RWQAAEIyAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAYhqLoBTd7sUAlXLG"
	"jVaTSZ3I8675F4ifAc9kGNMfCLVHxzzvOBeh50xXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3AAAAAAAA"
	"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n";

#define SIG_A                                                                                      \
	"untrusted comment: signature from minisign secret key\n"                                  \
	"RURiGougFN3uxQq7yAfGtTfyoeRr71bM9VZ4j896um9YAVqv12H1ePpEtxkzkIbslPQz/4z8crQGkSImPsmO"     \
	"HTbh56nv0UyBvAQ=\ntrusted comment: a comment\n"                                           \
	"ZR5+Ni4H24sG8DbrwLaY+Wp+5EXlaeA7zYZnssk5asfaLCjazoSa/QUJcQ0FUJEMmRww0cKJ8jYCgOqVJMP3"     \
	"AQ==\n"
#define SIG_B                                                                                      \
	"untrusted comment: signature from minisign secret key\n"                                  \
	"RUSNDmjM1lVBHER3CpPj0Hgy7nP2KjH61tLKP0wwqkLrL3z7TXqDKpio87HsRKQsVE9gNdA23mHkuyK+PKC5"     \
	"PQgj67Jlee94+wc=\ntrusted comment: of b\n"                                                \
	"L9XHf6kuV1COG36Sc96BGmGvPGHU25VDQ3wpJW28eSMEWrW11qoY/4wvXak3lavjQbWToA8/AsHutFkY7ZX1"     \
	"AA==\n"
#define SIG_LEGACY                                                                                 \
	"untrusted comment: signature from minisign secret key\n"                                  \
	"RWRiGougFN3uxQbzDacc2/wiJ9sWNPUvvHwodi7izg1aw1f5gd4e+A0Vfj7H11+flrtzQwJYemT79reZZ1Y8"     \
	"H/SsJ4B+4g3fswI=\ntrusted comment: legacy\n"                                              \
	"edGyKP8+BcoMnsiLXOB2AUsKjgC9d5HlfqhKRgXCZ8RUqLLXnH6mviqW5zCA53PIga0Ny+XXPdZxqUpRd4Hg"     \
	"CQ==\n"

static struct minisign_key keys[2];

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0 || minisign_key_parse(key_a, strlen(key_a), &keys[0]) ||
	       minisign_key_parse(key_b, strlen(key_b), &keys[1]);
}

static int verify(size_t first, size_t n, const char *sig)
{
	return minisign_verify(keys + first, n, data, strlen(data), sig, strlen(sig), NULL, NULL);
}

static int threshold(size_t k, const char *sig)
{
	return minisign_verify_threshold(keys, 2, k, data, strlen(data), sig, strlen(sig));
}

static void accepts_what_minisign_signed_and_says_who(void **state)
{
	char comment[MINISIGN_COMMENT_BYTES];
	char id[17];
	size_t index = 9;

	(void)state;
	assert_int_equal(
		minisign_verify(keys, 2, data, strlen(data), SIG_B, strlen(SIG_B), &index, comment),
		0);
	assert_int_equal(index, 1);
	assert_string_equal(comment, "of b");
	minisign_key_id(&keys[1], id);
	assert_string_equal(id, "1C4155D6CC680E8D");
}

static void a_changed_byte_of_the_data_is_rejected(void **state)
{
	(void)state;
	assert_int_equal(minisign_verify(keys, 2, "hellp\n", 6, SIG_A, strlen(SIG_A), NULL, NULL),
			 -EKEYREJECTED);
	assert_int_equal(minisign_verify(keys, 2, data, 5, SIG_A, strlen(SIG_A), NULL, NULL),
			 -EKEYREJECTED);
}

static void a_changed_trusted_comment_is_rejected(void **state)
{
	char sig[] = SIG_A;

	(void)state;
	*strstr(sig, "a comment") = 'A';
	assert_int_equal(verify(0, 2, sig), -EKEYREJECTED);
}

static void a_changed_untrusted_comment_is_not_looked_at(void **state)
{
	char sig[] = SIG_A;

	(void)state;
	*strstr(sig, "from minisign") = 'F';
	assert_int_equal(verify(0, 2, sig), 0);
}

static void every_changed_character_of_a_signature_is_noticed(void **state)
{
	char sig[] = SIG_A;
	size_t from = strlen("untrusted comment: signature from minisign secret key\n");

	(void)state;
	for (size_t i = from; i < strlen(SIG_A); i++) {
		char was = sig[i];

		sig[i] = was == 'A' ? 'B' : 'A';
		if (verify(0, 2, sig) == 0)
			fail_msg("accepted a change at %zu", i);
		sig[i] = was;
	}
	assert_int_equal(verify(0, 2, sig), 0);
}

static void every_truncation_is_refused_but_that_of_the_last_line_end(void **state)
{
	(void)state;
	for (size_t n = 0; n < strlen(SIG_A); n++)
		assert_int_equal(minisign_verify(keys, 2, data, strlen(data), SIG_A, n, NULL, NULL),
				 n == strlen(SIG_A) - 1 ? 0 : -EBADMSG);
}

static void the_legacy_form_is_refused(void **state)
{
	(void)state;
	assert_int_equal(verify(0, 2, SIG_LEGACY), -EBADMSG);
}

static void an_unknown_signer_is_not_a_bad_signature(void **state)
{
	(void)state;
	assert_int_equal(verify(1, 1, SIG_A), -ENOKEY);
	assert_int_equal(verify(0, 0, SIG_A), -ENOKEY);
}

static void several_blocks_are_several_signatures(void **state)
{
	(void)state;
	assert_int_equal(verify(0, 1, SIG_B SIG_A), 0);
	assert_int_equal(threshold(2, SIG_A SIG_B), 0);
	assert_int_equal(threshold(1, SIG_A), 0);
	assert_int_equal(threshold(2, SIG_A), -EPERM);
	assert_int_equal(threshold(3, SIG_A SIG_B), -EPERM);
	assert_int_equal(threshold(0, SIG_A), -EPERM);
	assert_int_equal(threshold(2, SIG_A SIG_LEGACY), -EBADMSG);
	assert_int_equal(threshold(1, ""), -EBADMSG);
}

static void the_same_key_counts_once(void **state)
{
	struct minisign_key twice[2] = { keys[0], keys[0] };

	(void)state;
	assert_int_equal(threshold(2, SIG_A SIG_A), -EPERM);
	assert_int_equal(minisign_verify_threshold(twice, 2, 2, data, strlen(data), SIG_A SIG_A,
						   strlen(SIG_A SIG_A)),
			 -EPERM);
	twice[1].id[0] ^= 1; /* another name for it does not help */
	assert_int_equal(minisign_verify_threshold(twice, 2, 2, data, strlen(data), SIG_A SIG_A,
						   strlen(SIG_A SIG_A)),
			 -EPERM);
}

static void the_same_key_under_another_id_counts_once(void **state)
{
	struct minisign_key twice[2] = { keys[0], keys[0] };
	char one[MINISIGN_TEXT_BYTES], both[2 * MINISIGN_TEXT_BYTES];
	struct secret secret = { 0 };

	(void)state;
	twice[1].id[0] ^= 1;
	assert_int_equal(minisign_secret_open(secret_a, strlen(secret_a), NULL, &secret), 0);
	assert_int_equal(minisign_sign(&secret, data, strlen(data), "c", one), 0);
	strcpy(both, one);
	secret.bytes[0] ^= 1;
	assert_int_equal(minisign_sign(&secret, data, strlen(data), "c", one), 0);
	strcat(both, one);
	secret_free(&secret);
	assert_int_equal(
		minisign_verify_threshold(twice, 2, 1, data, strlen(data), both, strlen(both)), 0);
	assert_int_equal(
		minisign_verify_threshold(twice, 2, 2, data, strlen(data), both, strlen(both)),
		-EPERM);
}

static void one_bad_block_spoils_the_rest(void **state)
{
	char sig[] = SIG_A SIG_B;

	(void)state;
	*strstr(sig, "of b") = 'O';
	assert_int_equal(threshold(1, sig), -EKEYREJECTED);
	assert_int_equal(verify(0, 2, sig), -EKEYREJECTED);
}

static void reads_a_public_key_alone_or_as_a_file(void **state)
{
	static const char *const bad[] = {
		"",
		"RWR",
		UNTRUSTED,
		"RURiGougFN3uxUxXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3", /* ED is no key */
		"RWRiGougFN3uxUxXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3\nx",
		" RWRiGougFN3uxUxXVm+cY1Nb7ID+TvQ/+Is/q9JHoLUBQ0LGOVc3cLX3",
	};
	char file[128];
	struct minisign_key key;

	(void)state;
	(void)snprintf(file, sizeof(file), UNTRUSTED "%s\n", key_a);
	assert_int_equal(minisign_key_parse(file, strlen(file), &key), 0);
	assert_memory_equal(&key, &keys[0], sizeof(key));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(minisign_key_parse(bad[i], strlen(bad[i]), &key), -EBADMSG);
}

static void what_a_bare_key_signs_verifies(void **state)
{
	struct secret secret = { 0 };
	struct minisign_key public;
	char sig[MINISIGN_TEXT_BYTES];
	char comment[MINISIGN_COMMENT_BYTES];

	(void)state;
	assert_int_equal(minisign_secret_open(secret_a, strlen(secret_a), NULL, &secret), 0);
	minisign_secret_public(&secret, &public);
	assert_memory_equal(&public, &keys[0], sizeof(public));
	assert_int_equal(minisign_sign(&secret, data, strlen(data), "serial 7", sig), 0);
	assert_int_equal(
		minisign_verify(keys, 1, data, strlen(data), sig, strlen(sig), NULL, comment), 0);
	assert_string_equal(comment, "serial 7");
	assert_int_equal(minisign_sign(&secret, data, strlen(data), "two\nlines", sig), -EINVAL);
	memset(comment, 'c', sizeof(comment) - 1);
	comment[sizeof(comment) - 1] = '\0';
	assert_int_equal(minisign_sign(&secret, data, strlen(data), comment, sig), 0);
	secret_free(&secret);
}

/* Protect key A with a password, at costs that a test can pay. */
static void protect(const char *password, uint8_t ret_raw[158])
{
	uint8_t stream[104];
	size_t n;

	assert_int_equal(sodium_base642bin(ret_raw, 158, strchr(secret_a, '\n') + 1, 212, NULL, &n,
					   NULL, sodium_base64_VARIANT_ORIGINAL),
			 0);
	assert_int_equal(n, 158);
	memcpy(ret_raw + 2, "ScB2", 4);
	memset(ret_raw + 6, 0x5a, 32);
	memset(ret_raw + 38, 0, 16);
	ret_raw[38 + 1] = 0x80; /* ops 32768, mem 16 MiB: crypto_pwhash_scryptsalsa208sha256(3) */
	ret_raw[46 + 3] = 0x01;
	{
		crypto_generichash_state s;

		(void)crypto_generichash_init(&s, NULL, 0, 32);
		(void)crypto_generichash_update(&s, (const uint8_t *)"Ed", 2);
		(void)crypto_generichash_update(&s, ret_raw + 54, 72);
		(void)crypto_generichash_final(&s, ret_raw + 54 + 72, 32);
	}
	assert_int_equal(crypto_pwhash_scryptsalsa208sha256(stream, sizeof(stream), password,
							    strlen(password), ret_raw + 6, 32768,
							    16777216),
			 0);
	for (size_t i = 0; i < sizeof(stream); i++)
		ret_raw[54 + i] ^= stream[i];
}

static int open_raw(const uint8_t raw[158], const char *password, struct secret *ret)
{
	char text[512] = "untrusted comment: k\n";
	struct secret pw = { 0 };
	int r;

	(void)sodium_bin2base64(text + strlen(text), sizeof(text) - strlen(text), raw, 158,
				sodium_base64_VARIANT_ORIGINAL);
	if (password) {
		assert_int_equal(secret_new(&pw, strlen(password)), 0);
		memcpy(pw.bytes, password, strlen(password));
	}
	r = minisign_secret_open(text, strlen(text), password ? &pw : NULL, ret);
	secret_free(&pw);
	return r;
}

static void a_protected_key_opens_with_its_password_alone(void **state)
{
	struct secret secret = { 0 };
	struct minisign_key public;
	uint8_t raw[158];

	(void)state;
	protect("correct horse", raw);
	assert_int_equal(open_raw(raw, NULL, &secret), -ENOKEY);
	assert_int_equal(open_raw(raw, "correct hors", &secret), -EKEYREJECTED);
	assert_null(secret.bytes);
	assert_int_equal(open_raw(raw, "correct horse", &secret), 0);
	minisign_secret_public(&secret, &public);
	assert_memory_equal(&public, &keys[0], sizeof(public));
	secret_free(&secret);
}

static void a_key_file_cannot_order_any_amount_of_memory(void **state)
{
	struct secret secret = { 0 };
	uint8_t raw[158];

	(void)state;
	protect("p", raw);
	raw[46 + 5] = 1; /* 1 TiB */
	assert_int_equal(open_raw(raw, "p", &secret), -EBADMSG);
	protect("p", raw);
	raw[38 + 6] = 1;
	assert_int_equal(open_raw(raw, "p", &secret), -EBADMSG);
}

static void a_damaged_key_file_signs_nothing(void **state)
{
	struct secret secret = { 0 };
	uint8_t raw[158];
	size_t n;

	(void)state;
	for (size_t i = 0; i < 158; i++) {
		(void)sodium_base642bin(raw, 158, strchr(secret_a, '\n') + 1, 212, NULL, &n, NULL,
					sodium_base64_VARIANT_ORIGINAL);
		raw[i] ^= 1;
		if (open_raw(raw, NULL, &secret) != 0)
			continue;
		/* salt and costs of a bare key, and its id, say nothing about the key */
		if (i < 6 || (i >= 62))
			fail_msg("byte %zu of the key is not checked", i);
		secret_free(&secret);
	}
	for (size_t len = 0; len + 1 < strlen(secret_a); len++)
		assert_int_equal(minisign_secret_open(secret_a, len, NULL, &secret), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_minisign_signed_and_says_who),
		cmocka_unit_test(a_changed_byte_of_the_data_is_rejected),
		cmocka_unit_test(a_changed_trusted_comment_is_rejected),
		cmocka_unit_test(a_changed_untrusted_comment_is_not_looked_at),
		cmocka_unit_test(every_changed_character_of_a_signature_is_noticed),
		cmocka_unit_test(every_truncation_is_refused_but_that_of_the_last_line_end),
		cmocka_unit_test(the_legacy_form_is_refused),
		cmocka_unit_test(an_unknown_signer_is_not_a_bad_signature),
		cmocka_unit_test(several_blocks_are_several_signatures),
		cmocka_unit_test(the_same_key_counts_once),
		cmocka_unit_test(the_same_key_under_another_id_counts_once),
		cmocka_unit_test(one_bad_block_spoils_the_rest),
		cmocka_unit_test(reads_a_public_key_alone_or_as_a_file),
		cmocka_unit_test(what_a_bare_key_signs_verifies),
		cmocka_unit_test(a_protected_key_opens_with_its_password_alone),
		cmocka_unit_test(a_key_file_cannot_order_any_amount_of_memory),
		cmocka_unit_test(a_damaged_key_file_signs_nothing),
	};

	return cmocka_run_group_tests_name("minisign", tests, start, NULL);
}
