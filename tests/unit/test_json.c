#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"

static char out[512];

static const char *ended(struct json *j)
{
	size_t n = 0;

	assert_int_equal(json_end(j, &n), 0);
	assert_int_equal(n, strlen(out));
	return out;
}

static void sets_commas_between_and_nowhere_else(void **state)
{
	static const uint8_t bytes[] = { 0x00, 0xff };
	struct json j;

	(void)state;
	json_begin(&j, out, sizeof(out));
	json_object(&j, NULL);
	json_u64(&j, "a", UINT64_MAX);
	json_i64(&j, "b", INT64_MIN);
	json_array(&j, "c");
	json_array_end(&j);
	json_array(&j, "d");
	json_bool(&j, NULL, true);
	json_null(&j, NULL);
	json_object(&j, NULL);
	json_object_end(&j);
	json_array_end(&j);
	json_hex(&j, "e", bytes, 2);
	json_object_end(&j);
	assert_string_equal(ended(&j), "{\"a\":18446744073709551615,\"b\":-9223372036854775808,"
				       "\"c\":[],\"d\":[true,null,{}],\"e\":\"00ff\"}");
}

static const char *quoted(const char *text)
{
	struct json j;

	json_begin(&j, out, sizeof(out));
	json_string(&j, NULL, text);
	return ended(&j);
}

static void escapes_what_ends_a_string_or_a_script(void **state)
{
	(void)state;
	assert_string_equal(quoted("a\"b\\c\n\x01\x7f"), "\"a\\\"b\\\\c\\u000a\\u0001\\u007f\"");
	assert_string_equal(quoted("</script>&"), "\"\\u003c/script\\u003e\\u0026\"");
}

static void bytes_that_are_not_utf8_become_one_mark_each(void **state)
{
	(void)state;
	assert_string_equal(quoted("\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2"),
			    "\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x9a\xa2\"");
#define FFFD "\xef\xbf\xbd"
	assert_string_equal(quoted("a\xff"
				   "b"),
			    "\"a" FFFD "b\"");
	assert_string_equal(quoted("\xc0\xaf"), "\"" FFFD FFFD "\"");	       /* overlong '/' */
	assert_string_equal(quoted("\xed\xa0\x80"), "\"" FFFD FFFD FFFD "\""); /* surrogate */
	assert_string_equal(quoted("\xf4\x90\x80\x80"), "\"" FFFD FFFD FFFD FFFD "\"");
	assert_string_equal(quoted("\xe2\x82"), "\"" FFFD FFFD "\""); /* cut off */
#undef FFFD
}

static void what_does_not_fit_is_said_and_not_cut(void **state)
{
	(void)state;
	for (size_t size = 0; size < 12; size++) {
		char small[12];
		struct json j;

		memset(small, 'x', sizeof(small));
		json_begin(&j, small, size);
		json_object(&j, NULL);
		json_string(&j, "a", "bcd");
		json_object_end(&j);
		/* {"a":"bcd"} is 11 bytes */
		assert_int_equal(json_end(&j, NULL), -ENOSPC);
		if (size > 0)
			assert_int_equal(small[0], '\0');
		if (size < sizeof(small))
			assert_int_equal(small[size], 'x');
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sets_commas_between_and_nowhere_else),
		cmocka_unit_test(escapes_what_ends_a_string_or_a_script),
		cmocka_unit_test(bytes_that_are_not_utf8_become_one_mark_each),
		cmocka_unit_test(what_does_not_fit_is_said_and_not_cut),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
