#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/timestamp.h"

static uint64_t parsed(const char *text)
{
	uint64_t v = 0;

	if (timestamp_parse(text, strlen(text), &v) != 0)
		fail_msg("refused: %s", text);
	return v;
}

static void reads_known_moments(void **state)
{
	(void)state;
	/* date -u -d TEXT +%s */
	assert_int_equal(parsed("1970-01-01T00:00:00Z"), 0);
	assert_int_equal(parsed("2000-02-29T12:34:56Z"), 951827696);
	assert_int_equal(parsed("2038-01-19T03:14:08Z"), UINT64_C(2147483648));
	assert_int_equal(parsed("2100-03-01T00:00:00Z"), UINT64_C(4107542400));
	assert_int_equal(parsed("9999-12-31T23:59:59Z"), TIMESTAMP_MAX_S);
}

static void refuses_other_forms_and_days_that_are_not(void **state)
{
	static const char *const bad[] = {
		"",
		"2025-11-20",
		"2025-11-20T17:00:00",
		"2025-11-20T17:00:00z",
		"2025-11-20 17:00:00Z",
		"2025-11-20T17:00:00+00:00",
		"2025-11-20T17:00:00.0Z",
		"2025-1-20T17:00:00Z",
		"2025-13-20T17:00:00Z",
		"2025-00-20T17:00:00Z",
		"2025-11-00T17:00:00Z",
		"2025-11-31T17:00:00Z",
		"2025-02-29T00:00:00Z",
		"2100-02-29T00:00:00Z",
		"2025-11-20T24:00:00Z",
		"2025-11-20T17:60:00Z",
		"2025-11-20T17:00:60Z",
		"1969-12-31T23:59:59Z",
		"-025-11-20T17:00:00Z",
		"2025-11-20T17:00:0xZ",
		" 2025-11-20T17:00:00",
	};
	uint64_t v = 7;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (timestamp_parse(bad[i], strlen(bad[i]), &v) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
	assert_int_equal(v, 7);
}

static void writes_what_it_reads_on_every_day_of_two_centuries(void **state)
{
	(void)state;
	for (uint64_t day = 0; day < 73200; day++) {
		uint64_t wall_s = day * 86400 + (day * 7919) % 86400;
		char text[TIMESTAMP_BYTES];

		timestamp_build(wall_s, text);
		assert_int_equal(strlen(text), TIMESTAMP_BYTES - 1);
		assert_int_equal(parsed(text), wall_s);
	}
}

static void milliseconds_are_three_digits(void **state)
{
	char text[TIMESTAMP_MS_BYTES];
	uint64_t ms = 0;

	(void)state;
	timestamp_ms_build(UINT64_C(951827696007), text);
	assert_string_equal(text, "2000-02-29T12:34:56.007Z");
	assert_int_equal(timestamp_ms_parse(text, strlen(text), &ms), 0);
	assert_int_equal(ms, UINT64_C(951827696007));
	assert_int_equal(timestamp_ms_parse("2000-02-29T12:34:56.07Z", 23, &ms), -EBADMSG);
	assert_int_equal(timestamp_ms_parse("2000-02-29T12:34:56.0a7Z", 24, &ms), -EBADMSG);
	assert_int_equal(timestamp_ms_parse("2000-02-30T12:34:56.007Z", 24, &ms), -EBADMSG);
}

static void later_than_its_end_is_its_end(void **state)
{
	char text[TIMESTAMP_BYTES];

	(void)state;
	timestamp_build(UINT64_MAX, text);
	assert_string_equal(text, "9999-12-31T23:59:59Z");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_known_moments),
		cmocka_unit_test(refuses_other_forms_and_days_that_are_not),
		cmocka_unit_test(writes_what_it_reads_on_every_day_of_two_centuries),
		cmocka_unit_test(milliseconds_are_three_digits),
		cmocka_unit_test(later_than_its_end_is_its_end),
	};

	return cmocka_run_group_tests_name("timestamp", tests, NULL, NULL);
}
