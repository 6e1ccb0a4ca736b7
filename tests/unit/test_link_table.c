#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/link_table.h"

static struct link_fact a_link(uint32_t ifindex, const char *ifname, bool carrier)
{
	struct link_fact f = { .event = LINK_SET,
			       .ifindex = ifindex,
			       .up = true,
			       .carrier = carrier,
			       .mac = { 2, 0, 0, 0, 0, (uint8_t)ifindex } };

	memcpy(f.ifname, ifname, strlen(ifname));
	return f;
}

static enum link_change apply(struct link_table *t, struct link_fact f)
{
	return link_table_apply(t, &f);
}

static void an_echo_is_no_change(void **state)
{
	struct link_table t = { 0 };

	(void)state;
	assert_int_equal(apply(&t, a_link(3, "eth0", true)), LINK_CHANGE_APPEARED);
	assert_int_equal(apply(&t, a_link(3, "eth0", true)), LINK_CHANGE_NONE);
}

static void carrier_mac_and_name_are_changes(void **state)
{
	struct link_table t = { 0 };
	struct link_fact mac = a_link(3, "eth0", false);

	(void)state;
	apply(&t, a_link(3, "eth0", true));
	assert_int_equal(apply(&t, a_link(3, "eth0", false)), LINK_CHANGE_STATE);
	mac.mac[5] = 9;
	assert_int_equal(apply(&t, mac), LINK_CHANGE_STATE);
	assert_int_equal(apply(&t, a_link(3, "eth1", false)), LINK_CHANGE_APPEARED);
}

static void a_carrier_lost_between_two_messages_is_a_change(void **state)
{
	struct link_fact f = a_link(3, "eth0", true);
	struct link_table t = { 0 };

	(void)state;
	apply(&t, f);
	f.n_losses = 1;
	assert_int_equal(apply(&t, f), LINK_CHANGE_STATE);
	assert_int_equal(apply(&t, f), LINK_CHANGE_NONE);
	assert_int_equal(link_table_find(&t, 3)->n_losses, 1);
}

static void a_link_that_goes_is_not_found_again(void **state)
{
	struct link_table t = { 0 };
	struct link_fact gone = a_link(3, "eth0", true);

	(void)state;
	apply(&t, a_link(3, "eth0", true));
	apply(&t, a_link(4, "eth1", true));
	gone.event = LINK_GONE;
	assert_int_equal(apply(&t, gone), LINK_CHANGE_GONE);
	assert_null(link_table_find(&t, 3));
	assert_null(link_table_find_name(&t, "eth0"));
	assert_int_equal(link_table_find_name(&t, "eth1")->ifindex, 4);
}

static void what_does_not_fit_is_a_change_every_time(void **state)
{
	struct link_table t = { 0 };

	(void)state;
	for (uint32_t i = 1; i <= LINK_TABLE_LINKS; i++)
		apply(&t, a_link(i, "port", true));
	assert_int_equal(apply(&t, a_link(1, "port", true)), LINK_CHANGE_NONE);
	assert_int_equal(apply(&t, a_link(999, "eth0", true)), LINK_CHANGE_APPEARED);
	assert_int_equal(apply(&t, a_link(999, "eth0", true)), LINK_CHANGE_APPEARED);
}

static void index_zero_is_never_a_link(void **state)
{
	struct link_table t = { 0 };

	(void)state;
	assert_null(link_table_find(&t, 0));
	assert_null(link_table_find_name(&t, ""));
}

static void a_sweep_finds_what_a_lost_message_would_have_ended(void **state)
{
	struct link_table t = { 0 };
	struct link_fact f = { 0 };

	(void)state;
	apply(&t, a_link(3, "eth0", true));
	apply(&t, a_link(4, "eth1", true));
	link_table_mark(&t);
	assert_int_equal(apply(&t, a_link(4, "eth1", true)), LINK_CHANGE_NONE);
	assert_int_equal(link_table_sweep(&t, &f), 1);
	assert_int_equal(f.event, LINK_GONE);
	assert_int_equal(f.ifindex, 3);
	assert_string_equal(f.ifname, "eth0");
	assert_int_equal(link_table_sweep(&t, &f), 0);
	assert_non_null(link_table_find(&t, 4));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_echo_is_no_change),
		cmocka_unit_test(carrier_mac_and_name_are_changes),
		cmocka_unit_test(a_carrier_lost_between_two_messages_is_a_change),
		cmocka_unit_test(a_link_that_goes_is_not_found_again),
		cmocka_unit_test(what_does_not_fit_is_a_change_every_time),
		cmocka_unit_test(index_zero_is_never_a_link),
		cmocka_unit_test(a_sweep_finds_what_a_lost_message_would_have_ended),
	};

	return cmocka_run_group_tests_name("link_table", tests, NULL, NULL);
}
