#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/msg.h"
#include "policy/text.h"

static void numbers_have_one_form(void **state)
{
	static const char *const bad[] = { "",
					   "-1",
					   "+1",
					   " 1",
					   "1 ",
					   "01",
					   "0x1",
					   "1_0",
					   "1e3",
					   "18446744073709551616",
					   "99999999999999999999999" };
	uint64_t v = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (text_u64_parse(bad[i], &v) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(v, 5);
	assert_int_equal(text_u64_parse("0", &v), 0);
	assert_int_equal(v, 0);
	assert_int_equal(text_u64_parse("18446744073709551615", &v), 0);
	assert_true(v == UINT64_MAX);
}

static void numbers_come_back_as_written(void **state)
{
	static const uint64_t some[] = { 0, 9, 10, 99, 100, 65535, UINT64_MAX };
	char text[TEXT_U64_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(some) / sizeof(some[0]); i++) {
		uint64_t v = 1;
		size_t n = text_u64_build(some[i], text);

		assert_int_equal(n, strlen(text));
		assert_int_equal(text_u64_parse(text, &v), 0);
		assert_true(v == some[i]);
	}
}

static void durations_need_a_unit(void **state)
{
	static const char *const bad[] = { "",	 "10", "s",   "-1s", "1 s",
					   "1S", "1w", "1hs", "01s", "99999999999999999d" };
	uint64_t ms = 5;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (text_duration_parse(bad[i], &ms) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(text_duration_parse("250ms", &ms), 0);
	assert_int_equal(ms, 250);
	assert_int_equal(text_duration_parse("10s", &ms), 0);
	assert_int_equal(ms, 10000);
	assert_int_equal(text_duration_parse("15m", &ms), 0);
	assert_int_equal(ms, 900000);
	assert_int_equal(text_duration_parse("72h", &ms), 0);
	assert_int_equal(ms, 259200000);
	assert_int_equal(text_duration_parse("30d", &ms), 0);
	assert_true(ms == UINT64_C(2592000000));
}

static void hex_is_lower_case_and_exact(void **state)
{
	uint8_t out[2] = { 1, 2 };
	char text[5];

	(void)state;
	assert_int_equal(text_hex_parse("0aFF", out, 2), -EBADMSG);
	assert_int_equal(text_hex_parse("0af", out, 2), -EBADMSG);
	assert_int_equal(text_hex_parse("0aff0", out, 2), -EBADMSG);
	assert_int_equal(text_hex_parse("0ag0", out, 2), -EBADMSG);
	assert_int_equal(out[0], 1);
	assert_int_equal(text_hex_parse("0aff", out, 2), 0);
	assert_int_equal(out[0], 0x0a);
	assert_int_equal(out[1], 0xff);
	text_hex_build(out, 2, text);
	assert_string_equal(text, "0aff");
}

static void base64_agrees_with_rfc_4648(void **state)
{
	/* section 10 */
	static const char *const vector[][2] = {
		{ "f", "Zg==" },	{ "fo", "Zm8=" },	 { "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" }, { "fooba", "Zm9vYmE=" }, { "foobar", "Zm9vYmFy" }
	};

	(void)state;
	for (size_t i = 0; i < sizeof(vector) / sizeof(vector[0]); i++) {
		uint8_t out[8];
		char text[TEXT_BASE64_BYTES(6)];
		size_t n = 0;

		text_base64_build((const uint8_t *)vector[i][0], strlen(vector[i][0]), text);
		assert_string_equal(text, vector[i][1]);
		assert_int_equal(text_base64_parse(vector[i][1], out, sizeof(out), &n), 0);
		assert_int_equal(n, strlen(vector[i][0]));
		assert_memory_equal(out, vector[i][0], n);
	}
}

static void base64_has_one_reading(void **state)
{
	static const char *const bad[] = { "",	     "Z",    "Zg",   "Zg=",  "Zg===",
					   "Zh==",   "Zm9=", "Zm=v", "Z===", "Zm9v ",
					   "Zm\n9v", "====", "Zm-_" };
	uint8_t out[3];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (text_base64_parse(bad[i], out, sizeof(out), &n) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(text_base64_parse("Zm9vYg==", out, sizeof(out), &n), -EBADMSG);
}

static void a_name_is_a_file_name_and_no_number(void **state)
{
	static const char *const bad[] = { "",	  ".",	  "..",	 ".a", "-a", "a/b", "a b",
					   "a\n", "0042", "0x1", "0b", "00", "a*",  "\xc3\xa4" };
	static const char *const good[] = { "a",	   "0",	       "7",	 "42",
					    "LAPTOP-0042", "win11.v2", "0042-a", "a_b" };
	char name[MSG_NAME_BYTES + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (text_name_ok(bad[i]))
			fail_msg("accepted: %s", bad[i]);
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		if (!text_name_ok(good[i]))
			fail_msg("refused: %s", good[i]);
	memset(name, 'a', sizeof(name));
	assert_false(text_name_ok(name));
	name[MSG_NAME_BYTES - 1] = '\0';
	assert_true(text_name_ok(name));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_have_one_form),
		cmocka_unit_test(numbers_come_back_as_written),
		cmocka_unit_test(durations_need_a_unit),
		cmocka_unit_test(hex_is_lower_case_and_exact),
		cmocka_unit_test(base64_agrees_with_rfc_4648),
		cmocka_unit_test(base64_has_one_reading),
		cmocka_unit_test(a_name_is_a_file_name_and_no_number),
	};

	return cmocka_run_group_tests_name("policy text", tests, NULL, NULL);
}
