#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "roles/cli_changes.h"

static struct msg_ctl_reply some(void)
{
	struct msg_ctl_reply r = { .policy_serial = 7, .net_up = 1, .n_uplinks = 2, .n_ports = 1 };

	r.uplink[0] = (struct msg_uplink_status){ .ifname = "en0", .zone = ZONE_FOREIGN };
	r.uplink[1] = (struct msg_uplink_status){ .ifname = "wl0", .zone = ZONE_UNKNOWN };
	r.port[0] = (struct msg_port_status){
		.ifname = "host0", .net_class = NET_CLASS_PERSONAL, .allowed = 1, .by_uplink = "en0"
	};
	return r;
}

static void all_is_new_at_first(void **state)
{
	struct msg_ctl_reply r = some();
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	r.n_disks = 1;
	assert_int_equal(cli_changes_find(NULL, &r, c), 6);
	assert_int_equal(c[0].kind, CLI_CHANGE_POLICY);
	assert_int_equal(c[1].kind, CLI_CHANGE_FIREWALL);
	assert_ptr_equal(c[2].uplink, &r.uplink[0]);
	assert_null(c[2].uplink_before);
	assert_ptr_equal(c[5].disk, &r.disk[0]);
}

static void time_alone_is_no_change(void **state)
{
	struct msg_ctl_reply a = some(), b = some();
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	b.now_boot_ms = 5;
	b.uplink[0].window_left_ms = 1;
	b.uplink[0].sign_left_ms = 1;
	b.uplink[0].proof_left_ms = 1;
	b.uplink[0].since_boot_ms = 1;
	b.port[0].blocked.what = BLOCKED_BLOCKED; /* nor is what only counts packets */
	b.port[0].n_blocked = 9;
	assert_int_equal(cli_changes_find(&a, &b, c), 0);
}

static void a_zone_comes_before_the_port_that_it_closes(void **state)
{
	struct msg_ctl_reply a = some(), b = some();
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	b.uplink[0].zone = ZONE_SUSPECT;
	b.port[0].allowed = 0;
	assert_int_equal(cli_changes_find(&a, &b, c), 2);
	assert_ptr_equal(c[0].uplink_before, &a.uplink[0]);
	assert_ptr_equal(c[0].uplink, &b.uplink[0]);
	assert_ptr_equal(c[1].port_before, &a.port[0]);
	assert_ptr_equal(c[1].port, &b.port[0]);
}

/* Each member that is shown makes a change of its own. */
static void every_member_that_is_shown_counts(void **state)
{
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	for (unsigned member = 0; member < 12; member++) {
		struct msg_ctl_reply a = some(), b = some();

		a.n_disks = b.n_disks = 1;
		switch (member) {
		case 0:
			b.policy_serial = 8;
			break;
		case 1:
			b.net_up = 0;
			break;
		case 2:
			b.uplink[1].zone = ZONE_HOME;
			break;
		case 3:
			b.uplink[1].carrier = 1;
			break;
		case 4:
			b.uplink[1].sign = SIGN_LLDP;
			break;
		case 5:
			b.uplink[1].source[0] = 's';
			break;
		case 6:
			b.port[0].allowed = 0;
			break;
		case 7:
			b.port[0].reason = 3;
			break;
		case 8:
			b.port[0].by_uplink[0] = 'w';
			break;
		case 9:
			b.disk[0].unlocked = 1;
			break;
		case 10:
			b.disk[0].nbd_index = 4;
			break;
		case 11:
			b.n_alarms = 1;
			break;
		}
		assert_int_equal(cli_changes_find(&a, &b, c), 1);
	}
}

static void what_is_gone_is_told(void **state)
{
	struct msg_ctl_reply a = some(), b = some();
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	b.n_uplinks = 1;
	b.n_ports = 0;
	assert_int_equal(cli_changes_find(&a, &b, c), 2);
	assert_null(c[0].uplink);
	assert_ptr_equal(c[0].uplink_before, &a.uplink[1]);
	assert_null(c[1].port);
	assert_ptr_equal(c[1].port_before, &a.port[0]);
}

/* A full table that is replaced by another: no change is lost, none is written behind the array. */
static void the_most_changes_fit(void **state)
{
	struct msg_ctl_reply a = { .policy_serial = 1 }, b = { .net_up = 1, .n_alarms = 1 };
	struct cli_change c[CLI_CHANGES_MAX];

	(void)state;
	a.n_uplinks = b.n_uplinks = MSG_UPLINKS;
	a.n_ports = b.n_ports = MSG_PORTS;
	a.n_disks = b.n_disks = MSG_DISKS;
	for (unsigned i = 0; i < 8; i++) {
		a.uplink[i].ifname[0] = a.port[i].ifname[0] = a.disk[i].name[0] = (char)('a' + i);
		b.uplink[i].ifname[0] = b.port[i].ifname[0] = b.disk[i].name[0] = (char)('A' + i);
	}
	assert_int_equal(cli_changes_find(&a, &b, c), CLI_CHANGES_MAX);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_is_new_at_first),
		cmocka_unit_test(time_alone_is_no_change),
		cmocka_unit_test(a_zone_comes_before_the_port_that_it_closes),
		cmocka_unit_test(every_member_that_is_shown_counts),
		cmocka_unit_test(what_is_gone_is_told),
		cmocka_unit_test(the_most_changes_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
