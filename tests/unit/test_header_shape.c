#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/json_shape.h"
#include "vhdcrypt/seal.h"

static char json[8192];
static struct header_shape good;
static const uint8_t uuid[HEADER_RAW_UUID_BYTES] = { 7 };

static int start(void **state)
{
	FILE *f = fopen("tests/fuzz/corpus/header_shape/good", "re");
	struct detail detail;

	(void)state;
	if (sodium_init() < 0 || !f || fread(json, 1, sizeof(json) - 1, f) == 0 || fclose(f) != 0)
		return -1;
	return header_shape_parse(json, strlen(json), &good, &detail);
}

static void rejects_every_truncation_and_leaves_out_untouched(void **state)
{
	struct header_shape before, got;
	struct detail detail;

	(void)state;
	memset(&got, 0xaa, sizeof(got));
	before = got;
	for (size_t n = 0; n < strlen(json); n++)
		assert_int_equal(header_shape_parse(json, n, &got, &detail), -EBADMSG);
	assert_memory_equal(&got, &before, sizeof(got));
}

/* Whatever replaces a value: a JSON of the right keys with a wrong kind of value. */
static void rejects_a_value_of_another_type(void **state)
{
	static const char *const fields[] = {
		"\"sector_size\":512", "\"offset\":\"0\"",     "\"size\":\"dynamic\"",
		"\"stripes\":4000",    "\"iterations\":1000",  "\"json_size\":\"12288\"",
		"\"key_size\":64",     "\"segments\":[\"0\"]", "\"hash\":\"sha512\"",
		"\"version\":1",       "\"keyslots\":[\"0\"]", "\"type\":\"bulkhead\"",
	};
	static const char *const values[] = { "null",	     "true", "-1",   "1.5",
					      "[]",	     "{}",   "\"\"", "99999999999999999999",
					      "\"0\\u0000\"" };
	char text[sizeof(json)];
	struct header_shape got;
	struct detail detail;

	(void)state;
	for (size_t f = 0; f < ARRAY_LEN(fields); f++)
		for (size_t v = 0; v < ARRAY_LEN(values); v++) {
			const char *at = strstr(json, fields[f]), *colon = strchr(fields[f], ':');

			assert_non_null(at);
			(void)snprintf(text, sizeof(text), "%.*s%s%s",
				       (int)(at - json + (colon - fields[f]) + 1), json, values[v],
				       at + strlen(fields[f]));
			if (header_shape_parse(text, strlen(text), &got, &detail) != -EBADMSG)
				fail_msg("%s as %s passes", fields[f], values[v]);
		}
}

/* Whoever knows a newer LUKS2 may find a meaning in what we do not know. */
static void a_key_too_many_is_refused_in_every_object(void **state)
{
	struct header_shape got;
	struct detail detail;
	unsigned n = 0;

	(void)state;
	for (const char *at = strchr(json, '{'); at; at = strchr(at + 1, '{'), n++) {
		char text[sizeof(json) + 16];

		(void)snprintf(text, sizeof(text), "%.*s\"zz\":{},%s", (int)(at - json + 1), json,
			       at + 1);
		if (header_shape_parse(text, strlen(text), &got, &detail) != -EBADMSG)
			fail_msg("a key at %td passes", at - json);
	}
	assert_true(n >= 19);
}

static void parse_with_area(const char *offset, const char *size, int want)
{
	const char *slot = strstr(json, "\"area\":{"), *end = strchr(slot, '}');
	char text[sizeof(json)];
	struct header_shape got;
	struct detail detail;

	(void)snprintf(text, sizeof(text),
		       "%.*s\"area\":{\"type\":\"raw\",\"offset\":\"%s\",\"size\":\"%s\","
		       "\"encryption\":\"aes-xts-plain64\",\"key_size\":64%s",
		       (int)(slot - json), json, offset, size, end);
	assert_int_equal(header_shape_parse(text, strlen(text), &got, &detail), want);
}

/* 32768 is the end of both copies, 557056 that of the file; the other keyslot begins at 290816. */
static void the_keyslot_area_is_the_only_place_for_key_material(void **state)
{
	(void)state;
	parse_with_area("32768", "258048", 0);
	parse_with_area("28672", "258048", -EBADMSG);
	parse_with_area("32769", "258048", -EBADMSG);
	parse_with_area("557056", "258048", -EBADMSG);
	parse_with_area("32768", "4096", -EBADMSG);
	parse_with_area("32768", "262144", -EBADMSG);
	parse_with_area("299008", "258048", -EBADMSG);
	parse_with_area("32768", "18446744073709551615", -EBADMSG);
}

static void a_token_written_reads_back(void **state)
{
	char text[TOKEN_TEXT_BYTES], again[TOKEN_TEXT_BYTES];
	struct json_object *object = NULL;
	struct detail detail;
	struct token token;

	(void)state;
	token_build(&good.token, text);
	assert_non_null(strstr(json, text)); /* it is what stands in the header */
	assert_int_equal(json_shape_parse(text, strlen(text), &object, &detail), 0);
	assert_int_equal(token_parse(object, "token", &token, &detail), 0);
	json_object_put(object);
	token_build(&token, again);
	assert_string_equal(text, again);
}

static void a_full_token_fits_its_buffer(void **state)
{
	struct token token = good.token;
	char text[TOKEN_TEXT_BYTES];

	(void)state;
	token.pcr_mask = (1 << TPM_N_PCRS) - 1;
	token.argon.ops = token.argon.mem_kib = UINT32_MAX;
	token_build(&token, text);
	assert_true(strlen(text) < sizeof(text));
}

static void sealed(const struct header_shape *shape, uint64_t generation,
		   char text[SEAL_TEXT_BYTES])
{
	size_t n;

	memset(text, 0, SEAL_TEXT_BYTES);
	seal_text(shape, uuid, generation, text, &n);
	assert_int_equal(strlen(text), n);
}

#define CHANGES(field)                                                                             \
	do {                                                                                       \
		struct header_shape other = good;                                                  \
		*(uint8_t *)&other.field ^= 1;                                                     \
		sealed(&other, 1, got);                                                            \
		assert_string_not_equal(want, got);                                                \
	} while (0)

static void every_value_of_a_header_is_under_the_seal(void **state)
{
	char want[SEAL_TEXT_BYTES], got[SEAL_TEXT_BYTES];
	struct header_shape s = good;

	(void)state;
	sealed(&good, 1, want);
	CHANGES(sector_bytes);
	for (unsigned i = 0; i < HEADER_SHAPE_KEYSLOTS; i++) {
		CHANGES(keyslot[i].area_offset_byte);
		CHANGES(keyslot[i].area_bytes);
		CHANGES(keyslot[i].iterations);
		CHANGES(keyslot[i].salt);
	}
	CHANGES(digest_iterations);
	CHANGES(digest_salt);
	CHANGES(digest);
	CHANGES(token.object.public);
	CHANGES(token.object.duplicate);
	CHANGES(token.object.seed);
	CHANGES(token.srk_name);
	CHANGES(token.pcr_mask);
	CHANGES(token.pcr_value[4]);
	CHANGES(token.argon.ops);
	CHANGES(token.argon.mem_kib);
	CHANGES(token.argon.salt);
	sealed(&good, 2, got);
	assert_string_not_equal(want, got);
	s.token.seal[0] ^= 1; /* only the seal itself is not */
	sealed(&s, 1, got);
	assert_string_equal(want, got);
}

static void a_seal_holds_for_one_share_and_disk_only(void **state)
{
	static const uint8_t other[HEADER_RAW_UUID_BYTES] = { 8 };
	struct header_shape s = good;
	struct secret share = { 0 };

	(void)state;
	assert_int_equal(secret_new(&share, TPM_SHARE_BYTES), 0);
	assert_int_equal(seal_build(&s, uuid, 1, &share, s.token.seal), 0);
	assert_int_equal(seal_check(&s, uuid, 1, &share), 0);
	assert_int_equal(seal_check(&s, uuid, 2, &share), -EBADMSG);
	assert_int_equal(seal_check(&s, other, 1, &share), -EBADMSG);
	share.bytes[0] ^= 1;
	assert_int_equal(seal_check(&s, uuid, 1, &share), -EBADMSG);
	secret_free(&share);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rejects_every_truncation_and_leaves_out_untouched),
		cmocka_unit_test(rejects_a_value_of_another_type),
		cmocka_unit_test(a_key_too_many_is_refused_in_every_object),
		cmocka_unit_test(the_keyslot_area_is_the_only_place_for_key_material),
		cmocka_unit_test(a_token_written_reads_back),
		cmocka_unit_test(a_full_token_fits_its_buffer),
		cmocka_unit_test(every_value_of_a_header_is_under_the_seal),
		cmocka_unit_test(a_seal_holds_for_one_share_and_disk_only),
	};

	return cmocka_run_group_tests_name("header_shape", tests, start, NULL);
}
