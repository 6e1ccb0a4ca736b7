#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stdlib.h>

#include "policy/yaml_check.h"

static void accepts(const char *text)
{
	struct yaml_check_fault f = { 0 };

	if (yaml_check(text, strlen(text), &f) != 0)
		fail_msg("%u:%u: %s\nfor: %s", f.line, f.column, f.why, text);
}

static void refuses_bytes(const char *text, size_t n, uint32_t line, uint32_t column,
			  const char *why)
{
	struct yaml_check_fault f = { 0 };

	if (yaml_check(text, n, &f) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if (f.line != line || f.column != column || !strstr(f.why, why))
		fail_msg("%u:%u: %s\nfor: %s", f.line, f.column, f.why, text);
}

static void refuses(const char *text, uint32_t line, uint32_t column, const char *why)
{
	refuses_bytes(text, strlen(text), line, column, why);
}

static void accepts_what_people_write(void **state)
{
	(void)state;
	accepts("a: 1\n");
	accepts("# comment\n---\na: 1 # another\nb: [x, \"y z\", 'it''s']\nc: {d: e, \"f\": g}\n");
	accepts("a:\n  - b: 1\n    c: 2\n  - d\n- e\n");
	accepts("time: 2030-01-01T00:00:00Z\nnet: fd00::/8\nurl: http://x/#y\nstar: a*b&c!d\n");
	accepts("text: \"with \\\"quotes\\\" and \\\\ and \xc3\xa4 and # and !x &y *z\"\n");
	accepts("zero: 0\nfloat: 0.5\nver: 1.10\nname: 0a1\nhash: \"000b12\"\n");
	accepts("a: -1\nb: ---x\nc: 1:2\n");
}

static void names_the_place_of_tags_anchors_and_aliases(void **state)
{
	(void)state;
	refuses("a: !!str b\n", 1, 4, "a tag");
	refuses("a: b\nc: !x d\n", 2, 4, "a tag");
	refuses("a: &x b\n", 1, 4, "an anchor");
	refuses("a: [b, *x]\n", 1, 8, "an alias");
	refuses("- !x\n", 1, 3, "a tag");
	refuses("{a: &b c}\n", 1, 5, "an anchor");
	refuses("{\"a\":!x b}\n", 1, 6, "a tag");
	refuses("!x a: b\n", 1, 1, "a tag");
	refuses("*x : b\n", 1, 1, "an alias");
	refuses("a:\n  &x\n  b\n", 2, 3, "an anchor");
	refuses("%YAML 1.1\n---\na: b\n", 1, 1, "a directive");
	refuses("? a\n: b\n", 1, 1, "a complex key");
	refuses("a: |\n  b\n", 1, 4, "a block scalar");
	refuses("a: >-\n  b\n", 1, 4, "a block scalar");
	refuses("a: @b\n", 1, 4, "a reserved");
}

static void there_is_one_document_and_something_in_it(void **state)
{
	(void)state;
	refuses("---\na: b\n---\nc: d\n", 3, 1, "more than one document");
	refuses("a: b\n---\nc: d\n", 2, 1, "more than one document");
	refuses("---\n---\na: b\n", 2, 1, "more than one document");
	refuses("a: b\n...\n", 2, 1, "more than one document");
	refuses("", 1, 1, "nothing");
	refuses("# only a comment\n", 2, 1, "nothing");
	refuses("---\n", 2, 1, "nothing");
}

static void numbers_of_other_bases_are_refused_where_they_stand(void **state)
{
	(void)state;
	refuses("a: 0x10\n", 1, 4, "octal");
	refuses("a: 010\n", 1, 4, "octal");
	refuses("a: -010\n", 1, 4, "octal");
	refuses("a: [1, 0o17]\n", 1, 8, "octal");
	refuses("a: 0b11   # c\n", 1, 4, "octal");
	refuses("a: 09\n", 1, 4, "octal");
	refuses("0x1: a\n", 1, 1, "octal");
}

static void tells_odd_numbers_from_texts_that_begin_like_them(void **state)
{
	static const char *const odd[] = { "00",  "010", "+010", "-0x1F", " 010",
					   "0X1", "0o7", "0b1",	 "0_1" };
	static const char *const plain[] = {
		"0",   "",     "-",	"10", "0.5",  "0xg", "0o8",
		"0b2", "0b1f", "000b1", "-0", "a010", "0-1", "05050505050505050505050505050505"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++)
		if (!yaml_check_odd_number(odd[i], strlen(odd[i])))
			fail_msg("missed: %s", odd[i]);
	for (size_t i = 0; i < sizeof(plain) / sizeof(plain[0]); i++)
		if (yaml_check_odd_number(plain[i], strlen(plain[i])))
			fail_msg("refused: %s", plain[i]);
}

static void bytes_that_hide_something_are_refused(void **state)
{
	(void)state;
	refuses_bytes("a: \0b\n", 6, 1, 4, "NUL");
	refuses("a: \"x\\0\"\n", 1, 6, "an escape");
	refuses("a: \"\\x00\"\n", 1, 5, "an escape");
	refuses("a: \"\\u0000\"\n", 1, 5, "an escape");
	refuses("a:\tb\n", 1, 3, "a tab");
	refuses("a: b\r\n", 1, 5, "carriage return");
	refuses("a: b\x1b[31m\n", 1, 5, "control");
	refuses("a: b # \x07\n", 1, 8, "control");
	refuses("\xef\xbb\xbf"
		"a: b\n",
		1, 1, "invisible");
	refuses("a: \xe2\x80\xae"
		"b\n",
		1, 4, "direction");
	refuses("a: b\xc2\x85"
		"c: d\n",
		1, 5, "invisible");
	refuses("a: b\xe2\x80\xa8"
		"c: d\n",
		1, 5, "invisible");
	refuses("a: \xc3(\n", 1, 4, "not UTF-8");
	refuses("a: \xc0\x80\n", 1, 4, "not UTF-8");
	refuses("a: \xed\xa0\x80\n", 1, 4, "not UTF-8");
	refuses("a: \xf4\x90\x80\x80\n", 1, 4, "not UTF-8");
	refuses("a: \xe2\x82", 1, 4, "not UTF-8");
}

/* RFC 3629 section 3: '/' and '"' in three and four bytes; a surrogate; beyond the last character */
static void one_character_has_one_form(void **state)
{
	(void)state;
	refuses("a: \xc0\xaf\n", 1, 4, "not UTF-8");
	refuses("a: \xe0\x80\xa2\n", 1, 4, "not UTF-8");
	refuses("a: \xf0\x80\x80\xaf\n", 1, 4, "not UTF-8");
	refuses("a: \xed\xa0\x80\n", 1, 4, "not UTF-8");
	refuses("a: \xf4\x90\x80\x80\n", 1, 4, "not UTF-8");
	accepts("a: \xf0\x9f\x94\x92\n");
}

static void quotes_end_on_their_line(void **state)
{
	(void)state;
	refuses("a: \"b\nc\"\n", 1, 6, "does not end");
	refuses("a: 'b\nc'\n", 1, 6, "does not end");
	refuses("a: \"b", 1, 6, "does not end");
	refuses("a: \"b\\\"", 1, 8, "does not end");
}

static void depth_and_length_have_an_end(void **state)
{
	char *long_text = malloc(65537);

	(void)state;
	assert_non_null(long_text);
	refuses("[[[[[[[[[a]]]]]]]]]\n", 1, 9, "nested");
	accepts("[[[[[[[[a]]]]]]]]\n");
	refuses("a: b]\n]\n", 2, 1, "closes nothing");
	memset(long_text, 'a', 65537);
	refuses_bytes(long_text, 65537, 1, 1, "64 KiB");
	assert_int_equal(yaml_check(long_text, 65536, &(struct yaml_check_fault){ 0 }), 0);
	free(long_text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_what_people_write),
		cmocka_unit_test(names_the_place_of_tags_anchors_and_aliases),
		cmocka_unit_test(there_is_one_document_and_something_in_it),
		cmocka_unit_test(numbers_of_other_bases_are_refused_where_they_stand),
		cmocka_unit_test(tells_odd_numbers_from_texts_that_begin_like_them),
		cmocka_unit_test(bytes_that_hide_something_are_refused),
		cmocka_unit_test(one_character_has_one_form),
		cmocka_unit_test(quotes_end_on_their_line),
		cmocka_unit_test(depth_and_length_have_an_end),
	};

	return cmocka_run_group_tests_name("yaml_check", tests, NULL, NULL);
}
