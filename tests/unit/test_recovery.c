#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>
#include <sodium.h>

#include "vhdcrypt/recovery.h"

static struct secret typed(const char *text)
{
	struct secret s = { 0 };

	assert_int_equal(secret_new(&s, strlen(text) + 1), 0);
	memcpy(s.bytes, text, strlen(text));
	s.len_bytes = strlen(text);
	return s;
}

static void reads_what_it_makes(void **state)
{
	struct secret r = { 0 }, again = { 0 };
	size_t position;

	(void)state;
	assert_int_equal(recovery_new(&r), 0);
	assert_int_equal(r.len_bytes, RECOVERY_TEXT_BYTES);
	assert_int_equal(recovery_parse(&r, &again, &position), 0);
	assert_memory_equal(r.bytes, again.bytes, RECOVERY_TEXT_BYTES);
	secret_free(&again);
	secret_free(&r);
}

static void forgives_case_lookalikes_and_line_ends(void **state)
{
	char text[RECOVERY_TEXT_BYTES + 4] = " ";
	struct secret r = { 0 }, in, again = { 0 };
	size_t position;

	(void)state;
	assert_int_equal(recovery_new(&r), 0);
	for (size_t i = 0; i < RECOVERY_TEXT_BYTES; i++) {
		char c = (char)r.bytes[i];

		if (c >= 'A' && c <= 'Z')
			c = (char)(c + 32);
		text[i + 1] = c == '0' ? 'o' : c == '1' ? (i % 2 ? 'I' : 'l') : c;
	}
	strcat(text, "\r\n");
	in = typed(text);
	assert_int_equal(recovery_parse(&in, &again, &position), 0);
	assert_memory_equal(r.bytes, again.bytes, RECOVERY_TEXT_BYTES);
	secret_free(&in);
	secret_free(&again);
	secret_free(&r);
}

static void notices_every_single_slip(void **state)
{
	struct secret r = { 0 }, again = { 0 };
	size_t position;

	(void)state;
	assert_int_equal(recovery_new(&r), 0);
	for (size_t i = 0; i < RECOVERY_TEXT_BYTES; i++) {
		uint8_t was = r.bytes[i];

		r.bytes[i] = was == '-' ? 'A' : was == 'A' ? 'B' : 'A';
		assert_int_equal(recovery_parse(&r, &again, &position), -EBADMSG);
		assert_int_equal(position, was == '-' ? i + 1 : 0);
		r.bytes[i] = '?';
		assert_int_equal(recovery_parse(&r, &again, &position), -EBADMSG);
		assert_int_equal(position, i + 1);
		r.bytes[i] = was;
	}
	secret_free(&r);
}

static void refuses_every_truncation_and_a_tail(void **state)
{
	struct secret r = { 0 }, in, again = { 0 };
	char text[RECOVERY_TEXT_BYTES + 2] = { 0 };
	size_t position;

	(void)state;
	assert_int_equal(recovery_new(&r), 0);
	for (size_t n = 0; n < RECOVERY_TEXT_BYTES; n++) {
		const struct secret cut = { .bytes = r.bytes, .len_bytes = n };

		assert_int_equal(recovery_parse(&cut, &again, &position), -EBADMSG);
		assert_int_equal(position, n + 1);
	}
	memcpy(text, r.bytes, RECOVERY_TEXT_BYTES);
	text[RECOVERY_TEXT_BYTES] = '0';
	in = typed(text);
	assert_int_equal(recovery_parse(&in, &again, &position), -EBADMSG);
	assert_int_equal(position, RECOVERY_TEXT_BYTES + 1);
	secret_free(&in);
	secret_free(&r);
}

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_it_makes),
		cmocka_unit_test(forgives_case_lookalikes_and_line_ends),
		cmocka_unit_test(notices_every_single_slip),
		cmocka_unit_test(refuses_every_truncation_and_a_tail),
	};

	return cmocka_run_group_tests_name("recovery", tests, start, NULL);
}
