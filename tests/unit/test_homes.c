#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/homes.h"

static struct homes three(void)
{
	struct homes h = { .n = 3, .enrolled_wall_s = { 1764133473, 1, INT64_MAX } };

	for (uint32_t i = 0; i < 3; i++) {
		struct classify_home *home = &h.home[i];

		(void)snprintf(home->name, sizeof(home->name), "home-%u", (unsigned)i);
		home->has_dhcp = i != 1;
		home->has_ra = i != 0;
		if (home->has_dhcp) {
			home->server_id = 0x0100a8c0;
			home->router = 0x0200a8c0;
			memcpy(home->server_mac, "\x02\0\0\0\0\x11", 6);
			memcpy(home->gateway_mac, "\x02\0\0\0\0\x12", 6);
		}
		if (home->has_ra) {
			home->ra_router[0] = 0xfe;
			home->ra_mac[5] = 7;
			home->prefix[0] = 0xfd;
			home->prefix_bits = 64;
		}
	}
	return h;
}

static void what_is_written_reads_the_same(void **state)
{
	struct homes h = three(), again;
	char text[HOMES_TEXT_BYTES], second[HOMES_TEXT_BYTES];
	size_t n = homes_build(&h, text);

	(void)state;
	assert_int_equal(homes_parse(text, n, &again), 0);
	assert_int_equal(homes_build(&again, second), n);
	assert_memory_equal(text, second, n);
	assert_int_equal(again.home[2].server_id, 0x0100a8c0);
	assert_int_equal(again.home[2].prefix_bits, 64);
}

static void every_truncation_is_refused(void **state)
{
	struct homes h = three(), untouched = { .n = 77 };
	char text[HOMES_TEXT_BYTES];
	size_t n = homes_build(&h, text);

	(void)state;
	for (size_t i = 0; i < n; i++)
		assert_int_equal(homes_parse(text, i, &untouched), -EBADMSG);
	assert_int_equal(untouched.n, 77);
}

static void every_other_byte_is_refused_or_another_home(void **state)
{
	struct homes h = three(), other;
	char text[HOMES_TEXT_BYTES], again[HOMES_TEXT_BYTES];
	size_t n = homes_build(&h, text);

	(void)state;
	for (size_t i = 0; i < n; i++) {
		const char was = text[i];

		for (int value = 0; value <= UINT8_MAX; value++) {
			text[i] = (char)value;
			if (homes_parse(text, n, &other) == 0) {
				assert_int_equal(homes_build(&other, again), n);
				assert_memory_equal(again, text, n);
			}
		}
		text[i] = was;
	}
}

static void the_largest_file_fits(void **state)
{
	struct homes h = { .n = CLASSIFY_HOMES }, again;
	char text[HOMES_TEXT_BYTES];
	size_t n;

	(void)state;
	for (uint32_t i = 0; i < h.n; i++) {
		h.home[i] = three().home[2];
		memset(h.home[i].name, 'a' + (int)i, MSG_NAME_BYTES - 1);
		h.enrolled_wall_s[i] = INT64_MAX;
	}
	n = homes_build(&h, text);
	assert_true(n <= sizeof(text));
	assert_int_equal(homes_parse(text, n, &again), 0);
	assert_int_equal(again.n, CLASSIFY_HOMES);
}

static int parse(const char *text)
{
	struct homes h;

	return homes_parse(text, strlen(text), &h);
}

#define HEAD "bulkhead homes 1\n"
#define ROW  " 7 0000a8c0,0100a8c0,020000000011,020000000012 -\n"

static void only_one_form_is_accepted(void **state)
{
	static const char *const bad[] = {
		"",
		"end 0\n",
		"bulkhead homes 2\nend 0\n",
		HEAD "end 1\n",
		HEAD "end 00\n",
		HEAD "end 0\n\n",
		HEAD "end 0\nhome a" ROW,
		HEAD "home a" ROW "end 0\n",
		HEAD "home a" ROW "home a" ROW "end 2\n", /* twice */
		HEAD "home " ROW "end 1\n",
		HEAD "home .a" ROW "end 1\n",
		HEAD "home a/b" ROW "end 1\n",
		HEAD "home a 07 0000a8c0,0100a8c0,020000000011,020000000012 -\nend 1\n",
		HEAD "home a 7 - -\nend 1\n", /* known by nothing */
		HEAD "home a 7 0000A8C0,0100a8c0,020000000011,020000000012 -\nend 1\n",
		HEAD "home a 99999999999999999999 0000a8c0,0100a8c0,020000000011,020000000012 "
		     "-\nend 1\n",
		HEAD "home a 7 - fe80000000000000000000000000000"
		     "1,020000000101,fd000000000000000000000000000000/81\nend 1\n",
	};

	(void)state;
	assert_int_equal(parse(HEAD "end 0\n"), 0);
	assert_int_equal(parse(HEAD "home a" ROW "end 1\n"), 0);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (parse(bad[i]) != -EBADMSG)
			fail_msg("accepted: %s", bad[i]);
}

static void more_than_fit_are_refused(void **state)
{
	char text[2 * HOMES_TEXT_BYTES];
	size_t n = (size_t)snprintf(text, sizeof(text), "%s", HEAD);

	(void)state;
	for (unsigned i = 0; i <= CLASSIFY_HOMES; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "home h%u%s", i, ROW);
	(void)snprintf(text + n, sizeof(text) - n, "end %u\n", CLASSIFY_HOMES + 1);
	assert_int_equal(parse(text), -EBADMSG);
}

static void one_is_taken_out_and_the_others_stay(void **state)
{
	struct homes h = three();

	(void)state;
	homes_remove(&h, homes_find(&h, "home-1"));
	assert_int_equal(h.n, 2);
	assert_int_equal(homes_find(&h, "home-1"), 2);
	assert_int_equal(homes_find(&h, "home-2"), 1);
	assert_int_equal(h.enrolled_wall_s[1], INT64_MAX);
	homes_remove(&h, 2);
	assert_int_equal(h.n, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_reads_the_same),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(every_other_byte_is_refused_or_another_home),
		cmocka_unit_test(the_largest_file_fits),
		cmocka_unit_test(only_one_form_is_accepted),
		cmocka_unit_test(more_than_fit_are_refused),
		cmocka_unit_test(one_is_taken_out_and_the_others_stay),
	};

	return cmocka_run_group_tests_name("homes", tests, NULL, NULL);
}
