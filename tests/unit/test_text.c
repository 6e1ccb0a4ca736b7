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

static void an_ipv6_address_reads_as_people_write_it(void **state)
{
	static const struct {
		uint8_t address[16];
		const char *text;
	} want[] = {
		{ { 0 }, "::" },
		{ { [15] = 1 }, "::1" },
		{ { 0x20, 0x01, 0x0d, 0xb8 }, "2001:db8::" },
		{ { 0xfe, 0x80, [8] = 1, [15] = 0x0a }, "fe80::100:0:0:a" },
		{ { 0x20, 1, 0xd, 0xb8, 0, 0, 0, 1, 0, 1, 0, 1, 0, 1, 0, 1 },
		  "2001:db8:0:1:1:1:1:1" },
		{ { 0x20, 1, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 1 }, "2001:0:0:1::1" },
		{ { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
		    0xff, 0xff, 0xff },
		  "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" },
	};
	char text[40];

	(void)state;
	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		text_ipv6(text, sizeof(text), want[i].address);
		assert_string_equal(text, want[i].text);
	}
	text_ipv6(text, 39, want[0].address);
	assert_string_equal(text, "");
}

static void a_number_reads_as_people_write_it(void **state)
{
	char text[11];

	(void)state;
	text_decimal(text, sizeof(text), 0);
	assert_string_equal(text, "0");
	text_decimal(text, sizeof(text), 4094);
	assert_string_equal(text, "4094");
	text_decimal(text, sizeof(text), UINT32_MAX);
	assert_string_equal(text, "4294967295");
	text_decimal(text, 4, 4094);
	assert_string_equal(text, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unprintable_bytes_become_question_marks_and_the_rest_is_zero),
		cmocka_unit_test(a_long_text_is_cut_and_still_ends),
		cmocka_unit_test(addresses_read_as_people_write_them),
		cmocka_unit_test(letters_are_alike_in_both_cases_and_nothing_else_is),
		cmocka_unit_test(an_ipv6_address_reads_as_people_write_it),
		cmocka_unit_test(a_number_reads_as_people_write_it),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
