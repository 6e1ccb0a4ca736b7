#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/domain.h"

static int parse(const char *data, size_t n, char ret[MSG_DOMAIN_BYTES], uint32_t *ret_cut)
{
	return domain_search_parse((const uint8_t *)data, n, ret, ret_cut);
}

static void a_pointer_leads_back_to_a_suffix(void **state)
{
	static const char data[] = "\x03"
				   "eng"
				   "\x05"
				   "apple"
				   "\x03"
				   "com"
				   "\0"
				   "\x09"
				   "marketing"
				   "\xc0\x04"; /* RFC 3397 2 */
	char names[MSG_DOMAIN_BYTES];
	uint32_t cut;

	(void)state;
	assert_int_equal(parse(data, sizeof(data) - 1, names, &cut), 0);
	assert_string_equal(names, "eng.apple.com marketing.apple.com");
	assert_int_equal(cut, 0);
}

static void a_pointer_to_itself_or_forward_is_refused(void **state)
{
	static const char self[] = "\xc0\x00",
			  forward[] = "\xc0\x02\x01"
				      "a"
				      "\0",
			  loop[] = "\x01"
				   "a"
				   "\xc0\x00";
	char names[MSG_DOMAIN_BYTES] = "kept";
	uint32_t cut = 7;

	(void)state;
	assert_int_equal(parse(self, 2, names, &cut), -EBADMSG);
	assert_int_equal(parse(forward, 5, names, &cut), -EBADMSG);
	assert_int_equal(parse(loop, 4, names, &cut), -EBADMSG);
	assert_string_equal(names, "kept");
	assert_int_equal(cut, 7);
}

static void a_name_that_does_not_end_is_refused(void **state)
{
	static const char data[] = "\x01"
				   "a"
				   "\x01"
				   "b"
				   "\0";
	char names[MSG_DOMAIN_BYTES];
	uint32_t cut;

	(void)state;
	for (size_t n = 1; n < 5; n++)
		assert_int_equal(parse(data, n, names, &cut), -EBADMSG);
	assert_int_equal(parse(data, 5, names, &cut), 0);
	assert_string_equal(names, "a.b");
}

static void reserved_label_types_are_refused(void **state)
{
	char names[MSG_DOMAIN_BYTES];
	uint32_t cut;

	(void)state;
	assert_int_equal(parse("\x40"
			       "a"
			       "\0",
			       3, names, &cut),
			 -EBADMSG);
	assert_int_equal(parse("\x80"
			       "a"
			       "\0",
			       3, names, &cut),
			 -EBADMSG);
}

static void a_label_cannot_forge_a_separator(void **state)
{
	char names[MSG_DOMAIN_BYTES];
	uint32_t cut;

	(void)state;
	assert_int_equal(parse("\x05"
			       "a. \x01"
			       "b"
			       "\0",
			       7, names, &cut),
			 0);
	assert_string_equal(names, "a???b");
}

static void names_that_do_not_fit_are_left_out_whole_and_said(void **state)
{
	char data[300], names[MSG_DOMAIN_BYTES];
	size_t n = 0;
	uint32_t cut;

	(void)state;
	for (unsigned i = 0; i < 5; i++) { /* five names of 60 bytes */
		data[n++] = 58;
		memset(data + n, 'a' + (int)i, 58);
		n += 58;
		data[n++] = 0;
	}
	assert_int_equal(parse(data, n, names, &cut), 0);
	assert_int_equal(cut, 1);
	assert_int_equal(strlen(names), 4 * 59 - 1);
}

static void a_name_over_255_bytes_is_refused(void **state)
{
	char data[300], names[MSG_DOMAIN_BYTES];
	size_t n = 0;
	uint32_t cut;

	(void)state;
	for (unsigned i = 0; i < 5; i++) {
		data[n++] = 58;
		memset(data + n, 'a', 58);
		n += 58;
	}
	data[n++] = 0;
	assert_int_equal(parse(data, n, names, &cut), -EBADMSG);
}

static void names_are_added_to_those_before(void **state)
{
	char text[MSG_DOMAIN_BYTES] = "lan";
	uint32_t cut = 0;

	(void)state;
	assert_int_equal(domain_search_append((const uint8_t *)"\4corp", 6, text, &cut), 0);
	assert_string_equal(text, "lan corp");
	assert_int_equal(domain_search_append((const uint8_t *)"\4cor", 5, text, &cut), -EBADMSG);
	assert_string_equal(text, "lan corp");
	memset(text, 'x', sizeof(text) - 1);
	assert_int_equal(cut, 0);
	assert_int_equal(domain_search_append((const uint8_t *)"\4corp", 6, text, &cut), 0);
	assert_int_equal(cut, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_pointer_leads_back_to_a_suffix),
		cmocka_unit_test(a_pointer_to_itself_or_forward_is_refused),
		cmocka_unit_test(a_name_that_does_not_end_is_refused),
		cmocka_unit_test(reserved_label_types_are_refused),
		cmocka_unit_test(a_label_cannot_forge_a_separator),
		cmocka_unit_test(names_that_do_not_fit_are_left_out_whole_and_said),
		cmocka_unit_test(a_name_over_255_bytes_is_refused),
		cmocka_unit_test(names_are_added_to_those_before),
	};

	return cmocka_run_group_tests_name("domain", tests, NULL, NULL);
}
