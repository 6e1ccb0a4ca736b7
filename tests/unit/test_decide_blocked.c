#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "roles/decide_blocked.h"

enum { SECOND = 1000, MINUTE = 60000, HOUR = 3600000 };

static struct decide_blocked b;
static struct decide_blocked_sum sum;

static int fresh(void **state)
{
	(void)state;
	memset(&b, 0, sizeof(b));
	memset(&sum, 0, sizeof(sum));
	return 0;
}

static void take(const char *name, uint32_t what, uint32_t port, uint64_t now)
{
	struct msg_blocked m = { .what = what, .family = AF_INET, .destination_port = port };

	decide_blocked_take(&b, name, &m, now);
}

static void a_sum_names_the_last_and_counts_all(void **state)
{
	(void)state;
	for (unsigned i = 1; i <= 12; i++)
		take("host0", BLOCKED_BLOCKED, i, 10000 + i);
	assert_false(decide_blocked_next(&b, 10001 + BLOCKED_FIRST_MS - 1, &sum));
	assert_int_equal(decide_blocked_wake(&b), 10001 + BLOCKED_FIRST_MS);
	assert_true(decide_blocked_next(&b, decide_blocked_wake(&b), &sum));
	assert_string_equal(sum.name, "host0");
	assert_int_equal(sum.what, BLOCKED_BLOCKED);
	assert_int_equal(sum.n, 12);
	assert_int_equal(sum.span_ms, BLOCKED_FIRST_MS);
	assert_int_equal(sum.last.destination_port, 12);
	assert_false(decide_blocked_next(&b, HOUR, &sum));
	assert_true(decide_blocked_wake(&b) == UINT64_MAX);
}

static void links_and_whats_are_told_apart(void **state)
{
	(void)state;
	take("host0", BLOCKED_BLOCKED, 1, 1);
	take("host0", BLOCKED_CORPORATE, 2, 2);
	take("vif1.0", BLOCKED_BLOCKED, 3, 3);
	for (unsigned i = 1; i <= 3; i++) {
		assert_true(decide_blocked_next(&b, MINUTE, &sum));
		assert_int_equal(sum.n, 1);
		assert_int_equal(sum.last.destination_port, i);
	}
	assert_false(decide_blocked_next(&b, MINUTE, &sum));
}

/* Whatever comes, at every millisecond of a day. */
static void never_two_lines_about_the_same_within_a_minute(void **state)
{
	uint64_t told = 0, n_lines = 0, n = 0;

	(void)state;
	for (uint64_t now = 1; now < 24 * (uint64_t)HOUR; now += 100) {
		take("host0", BLOCKED_BLOCKED, 1, now);
		if (!decide_blocked_next(&b, now, &sum))
			continue;
		assert_true(told == 0 || now - told >= MINUTE);
		told = now;
		n_lines++;
		n += sum.n;
		assert_false(decide_blocked_next(&b, now, &sum));
	}
	assert_true(n_lines < 32); /* and they become rarer */
	assert_true(n > 22 * (uint64_t)HOUR / 100);
}

static void what_comes_again_later_is_told_soon(void **state)
{
	uint64_t now = 5000, told = 0;

	(void)state;
	for (unsigned i = 0; i < 50; i++, now += 3 * HOUR) {
		take("host0", BLOCKED_SPOOFED, 1, now);
		assert_int_equal(decide_blocked_wake(&b), now + BLOCKED_FIRST_MS);
		assert_true(decide_blocked_next(&b, now + BLOCKED_FIRST_MS, &sum));
	}
	/* every 70 seconds: a line each, or less, never within the minute */
	for (unsigned i = 0; i < 500; i++, now += 70 * SECOND) {
		take("host0", BLOCKED_SPOOFED, 1, now);
		while (decide_blocked_next(&b, now + 69 * SECOND, &sum)) {
			assert_true(told == 0 || now + 69 * SECOND - told >= MINUTE);
			told = now + 69 * SECOND;
		}
	}
}

static void lost_samples_are_told_as_that(void **state)
{
	struct msg_blocked m = { .what = BLOCKED_BLOCKED, .n_lost = 7 };

	(void)state;
	decide_blocked_lost(&b, 30, 1);
	decide_blocked_take(&b, "host0", &m, 2);
	assert_true(decide_blocked_next(&b, MINUTE, &sum));
	assert_string_equal(sum.name, "host0");
	assert_int_equal(sum.n, 1);
	assert_true(decide_blocked_next(&b, MINUTE, &sum));
	assert_string_equal(sum.name, "");
	assert_int_equal(sum.n, 37);
	decide_blocked_lost(&b, 0, MINUTE);
	assert_true(decide_blocked_wake(&b) == UINT64_MAX);
	decide_blocked_lost(&b, UINT32_MAX, MINUTE);
	decide_blocked_lost(&b, 5, MINUTE);
	assert_true(decide_blocked_next(&b, HOUR, &sum));
	assert_true(sum.n == UINT32_MAX);
}

static void more_links_than_room_lose_nothing_silently(void **state)
{
	char name[3] = "aa";
	uint32_t n = 0;

	(void)state;
	for (unsigned i = 0; i < 2 * BLOCKED_ENTRIES; i++) {
		name[0] = (char)('a' + i % 26);
		name[1] = (char)('a' + i / 26);
		take(name, BLOCKED_BLOCKED, 1, 1000 + i);
	}
	while (decide_blocked_next(&b, HOUR, &sum))
		n += sum.n;
	assert_int_equal(n, 2 * BLOCKED_ENTRIES);
	take("new", BLOCKED_BLOCKED, 1, 2 * HOUR); /* the others have told all: there is room */
	assert_true(decide_blocked_next(&b, 3 * HOUR, &sum));
	assert_string_equal(sum.name, "new");
}

static void the_last_minute_is_counted_and_forgotten(void **state)
{
	struct msg_blocked last;
	uint64_t at;
	uint32_t n;

	(void)state;
	assert_false(decide_blocked_find(&b, "host0", 1, &last, &at, &n));
	for (unsigned i = 0; i < 60; i++)
		take("host0", i % 2 ? BLOCKED_BLOCKED : BLOCKED_CORPORATE, i, HOUR + i * 1000);
	assert_true(decide_blocked_find(&b, "host0", HOUR + 59 * SECOND, &last, &at, &n));
	assert_int_equal(last.destination_port, 59);
	assert_int_equal(at, HOUR + 59 * SECOND);
	assert_int_equal(n, 60);
	assert_true(decide_blocked_find(&b, "host0", HOUR + 89 * SECOND, &last, &at, &n));
	assert_in_range(n, 20, 40);
	assert_true(decide_blocked_find(&b, "host0", HOUR + 3 * MINUTE, &last, &at, &n));
	assert_int_equal(n, 0);
	assert_int_equal(at, HOUR + 59 * SECOND);
	assert_false(decide_blocked_find(&b, "host", HOUR, &last, &at, &n));
	assert_false(decide_blocked_find(&b, "", HOUR, &last, &at, &n));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_sum_names_the_last_and_counts_all, fresh),
		cmocka_unit_test_setup(links_and_whats_are_told_apart, fresh),
		cmocka_unit_test_setup(never_two_lines_about_the_same_within_a_minute, fresh),
		cmocka_unit_test_setup(what_comes_again_later_is_told_soon, fresh),
		cmocka_unit_test_setup(lost_samples_are_told_as_that, fresh),
		cmocka_unit_test_setup(more_links_than_room_lose_nothing_silently, fresh),
		cmocka_unit_test_setup(the_last_minute_is_counted_and_forgotten, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
