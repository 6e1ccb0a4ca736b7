#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/log.h"

static void quotes_what_is_not_printable(void **state)
{
	char out[64];

	(void)state;
	assert_string_equal(log_quote("a\n\x1b[2J\\\xff", 8, out, sizeof(out)),
			    "a\\x0a\\x1b[2J\\x5c\\xff");
}

static void cuts_a_long_text_at_a_whole_character(void **state)
{
	char out[6];

	(void)state;
	assert_string_equal(log_quote("ab\n\n", 4, out, sizeof(out)), "ab");
	assert_string_equal(log_quote("abcdefgh", 8, out, sizeof(out)), "abcde");
}

/* What log_err() writes to descriptor 2. */
static void logged(int err, const char *text, char *ret, size_t ret_bytes)
{
	int tube[2], saved = dup(STDERR_FILENO);
	ssize_t n;

	assert_int_equal(pipe(tube), 0);
	assert_true(dup2(tube[1], STDERR_FILENO) >= 0);
	log_err(err, "%s", text);
	assert_true(dup2(saved, STDERR_FILENO) >= 0);
	n = read(tube[0], ret, ret_bytes - 1);
	assert_true(n > 0);
	ret[n] = '\0';
	(void)close(tube[0]);
	(void)close(tube[1]);
	(void)close(saved);
}

static void one_line_says_priority_role_text_and_cause(void **state)
{
	char got[128];

	(void)state;
	log_open("tester");
	logged(-2, "open 'x'", got, sizeof(got));
	assert_string_equal(got, "<3>tester: open 'x': No such file or directory\n");
	logged(0, "plain", got, sizeof(got));
	assert_string_equal(got, "<3>tester: plain\n");
}

static void an_endless_text_is_still_one_line(void **state)
{
	char text[4000], got[4096];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	logged(-2, text, got, sizeof(got));
	assert_true(strlen(got) <= 1024);
	assert_int_equal(got[strlen(got) - 1], '\n');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(quotes_what_is_not_printable),
		cmocka_unit_test(cuts_a_long_text_at_a_whole_character),
		cmocka_unit_test(one_line_says_priority_role_text_and_cause),
		cmocka_unit_test(an_endless_text_is_still_one_line),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
