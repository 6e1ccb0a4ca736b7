#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/text.h"

static void unprintable_bytes_become_question_marks_and_the_rest_is_zero(void **state)
{
	char out[8];

	(void)state;
	memset(out, 'x', sizeof(out));
	text_printable(out, sizeof(out), (const uint8_t *)"a\x1f\x7f\xc3~", 5);
	assert_memory_equal(out, "a???~\0\0\0", 8);
}

static void a_long_text_is_cut_and_still_ends(void **state)
{
	char out[4];

	(void)state;
	text_printable(out, sizeof(out), (const uint8_t *)"abcdef", 6);
	assert_string_equal(out, "abc");
}

static void addresses_read_as_people_write_them(void **state)
{
	static const uint8_t mac[6] = { 0, 0x1f, 0xa0, 9, 10, 255 }, ip[4] = { 0, 9, 10, 255 };
	char out[18];

	(void)state;
	text_mac(out, sizeof(out), mac);
	assert_string_equal(out, "00:1f:a0:09:0a:ff");
	text_ipv4(out, sizeof(out), ip);
	assert_string_equal(out, "0.9.10.255");
	text_mac(out, 17, mac);
	assert_string_equal(out, "");
	text_ipv4(out, 15, ip);
	assert_string_equal(out, "");
}

static void letters_are_alike_in_both_cases_and_nothing_else_is(void **state)
{
	(void)state;
	assert_true(text_equal_fold("aZ-1", 4, "Az-1", 4));
	assert_false(text_equal_fold("a", 1, "ab", 2));
	assert_false(text_equal_fold("@", 1, "`", 1));
	assert_false(text_equal_fold("[", 1, "{", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unprintable_bytes_become_question_marks_and_the_rest_is_zero),
		cmocka_unit_test(a_long_text_is_cut_and_still_ends),
		cmocka_unit_test(addresses_read_as_people_write_them),
		cmocka_unit_test(letters_are_alike_in_both_cases_and_nothing_else_is),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
