#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/repeat.h"

static struct msg_claim lldp(uint32_t ttl_s, uint64_t at_boot_ms)
{
	return (struct msg_claim){ .kind = SIGN_LLDP,
				   .ifindex = 7,
				   .at_boot_ms = at_boot_ms,
				   .lldp = { .system = "sw1", .ttl_s = ttl_s } };
}

/* What sniff does with a claim; true when it was told. */
static bool tell(struct repeat *r, struct msg_claim c)
{
	if (repeat_hold(r, &c))
		return false;
	repeat_told(r, &c);
	return true;
}

/* What sniff does before a heartbeat; the number of claims told. */
static unsigned beat(struct repeat *r)
{
	struct msg_claim c;
	unsigned n = 0;

	repeat_beat(r);
	for (; repeat_next(r, &c); n++)
		assert_true(tell(r, c));
	return n;
}

static void the_first_is_told_at_once_a_repeat_with_the_beat(void **state)
{
	struct repeat r = { 0 };
	struct msg_claim c;

	(void)state;
	assert_true(tell(&r, lldp(120, 1)));
	assert_false(tell(&r, lldp(120, 2)));
	assert_false(tell(&r, lldp(120, 3)));
	repeat_beat(&r);
	assert_true(repeat_next(&r, &c));
	assert_int_equal(c.at_boot_ms, 3); /* the latest: a sign lives as long as it is heard */
	assert_false(repeat_next(&r, &c));
}

static void what_is_held_waits_for_no_beat(void **state)
{
	struct repeat r = { 0 };

	(void)state;
	assert_true(repeat_wake(&r) == UINT64_MAX);
	assert_true(tell(&r, lldp(120, 1000)));
	assert_true(repeat_wake(&r) == UINT64_MAX); /* told is not held */
	assert_false(tell(&r, lldp(120, 1050)));
	assert_false(tell(&r, lldp(120, 1100))); /* the first that is held counts */
	assert_int_equal(repeat_wake(&r), 1050 + REPEAT_HOLD_MS);
	assert_int_equal(beat(&r), 1);
	assert_true(repeat_wake(&r) == UINT64_MAX);
	assert_false(tell(&r, lldp(120, 2000))); /* in a flood the next one is held as well */
	assert_int_equal(repeat_wake(&r), 2000 + REPEAT_HOLD_MS);
}

static void a_flood_is_told_once_a_beat(void **state)
{
	struct repeat r = { 0 };
	unsigned n = 0;

	(void)state;
	for (unsigned second = 0; second < 10; second++) {
		for (unsigned i = 0; i < 1000; i++)
			n += tell(&r, lldp(120, i));
		n += beat(&r);
	}
	assert_int_equal(n, 11);
}

static void what_is_not_repeated_is_forgotten_with_the_beat(void **state)
{
	struct repeat r = { 0 };

	(void)state;
	assert_true(tell(&r, lldp(120, 1)));
	assert_int_equal(beat(&r), 0);
	assert_true(tell(&r, lldp(120, 2)));
}

static void no_beat_comes_before_what_was_held(void **state)
{
	struct repeat r = { 0 };

	(void)state;
	for (unsigned i = 0; i < 100; i++) {
		(void)tell(&r, lldp(120, i));
		if (!tell(&r, lldp(120, i)))
			assert_int_equal(beat(&r), 1);
	}
}

static void something_new_is_told_at_once(void **state)
{
	struct repeat r = { 0 };
	struct msg_claim other = lldp(120, 1);

	(void)state;
	assert_true(tell(&r, lldp(120, 1)));
	assert_true(tell(&r, lldp(121, 1)));
	other.ifindex = 8;
	assert_true(tell(&r, other));
}

static void what_was_not_delivered_is_not_held(void **state)
{
	struct repeat r = { 0 };
	struct msg_claim c = lldp(120, 1);

	(void)state;
	assert_false(repeat_hold(&r, &c));
	assert_false(repeat_hold(&r, &c));
	repeat_told(&r, &c);
	assert_true(repeat_hold(&r, &c));
	repeat_beat(&r);
	assert_true(repeat_next(&r, &c)); /* and decide did not take it */
	assert_false(repeat_hold(&r, &c));
}

static void announcements_and_dhcp_are_never_held(void **state)
{
	static const uint32_t kinds[] = { SIGN_BEACON, SIGN_DHCP4, SIGN_DHCP6, SIGN_GATEWAY,
					  SIGN_ALIVE };
	struct repeat r = { 0 };

	(void)state;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		for (unsigned n = 0; n < 3; n++)
			assert_true(tell(&r, (struct msg_claim){ .kind = kinds[i] }));
	assert_int_equal(beat(&r), 0);
}

static void all_tags_count_as_one(void **state)
{
	struct repeat r = { 0 };
	struct msg_claim c = { .kind = SIGN_VLAN, .vlan = { .vlan_id = 5 } };

	(void)state;
	assert_true(tell(&r, c));
	c.vlan.vlan_id = 6;
	assert_false(tell(&r, c));
	assert_int_equal(beat(&r), 1);
}

static void more_different_ones_than_places_are_told_each_time(void **state)
{
	struct repeat r = { 0 };

	(void)state;
	for (unsigned round = 0; round < 2; round++)
		for (uint32_t i = 0; i < 2 * REPEAT_CLAIMS; i++)
			assert_int_equal(tell(&r, lldp(i, 1)), round == 0 || i >= REPEAT_CLAIMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_is_told_at_once_a_repeat_with_the_beat),
		cmocka_unit_test(what_is_held_waits_for_no_beat),
		cmocka_unit_test(a_flood_is_told_once_a_beat),
		cmocka_unit_test(what_is_not_repeated_is_forgotten_with_the_beat),
		cmocka_unit_test(no_beat_comes_before_what_was_held),
		cmocka_unit_test(something_new_is_told_at_once),
		cmocka_unit_test(what_was_not_delivered_is_not_held),
		cmocka_unit_test(announcements_and_dhcp_are_never_held),
		cmocka_unit_test(all_tags_count_as_one),
		cmocka_unit_test(more_different_ones_than_places_are_told_each_time),
	};

	return cmocka_run_group_tests_name("repeat", tests, NULL, NULL);
}
