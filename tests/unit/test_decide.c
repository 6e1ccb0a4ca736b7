#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "tests/unit/decide_lab.h"

static void without_a_policy_nothing_is_open_in_any_zone(void **state)
{
	(void)state;
	for (unsigned z = 0; z < N_ZONES; z++) {
		decide1(NULL, (enum zone)z);
		assert_int_equal(net.n_grants, 0);
		port_is(0, false, REASON_DOC_MISSING, "");
		port_is(1, false, REASON_DOC_MISSING, "");
	}
}

static void unknown_and_suspect_are_closed_under_the_loosest_policy(void **state)
{
	struct policy p = loosest();

	(void)state;
	decide1(&p, ZONE_UNKNOWN);
	assert_int_equal(net.n_grants, 0);
	port_is(0, false, REASON_NET_UNKNOWN, "eth0");
	port_is(1, false, REASON_NET_UNKNOWN, "eth0");
	decide1(&p, ZONE_SUSPECT);
	assert_int_equal(net.n_grants, 0);
	port_is(0, false, REASON_NET_SUSPECT, "eth0");
	port_is(1, false, REASON_NET_SUSPECT, "eth0");
}

static void a_zone_that_does_not_exist_is_unknown(void **state)
{
	struct policy p = loosest();

	(void)state;
	decide1(&p, N_ZONES);
	assert_int_equal(net.n_grants, 0);
	port_is(0, false, REASON_NET_UNKNOWN, "eth0");
}

static void a_class_that_does_not_exist_gets_nothing(void **state)
{
	struct decide_uplink up = { .ifname = "eth0", .zone = ZONE_PROVEN };
	struct decide_port port = { "x", N_NET_CLASSES };
	struct policy p = loosest();

	(void)state;
	decide_grants(&p, &up, 1, &port, 1, 5000, &net);
	assert_int_equal(net.n_grants, 0);
	assert_int_equal(net.port[0].allowed, 0);
}

static void proven_opens_to_work_alone(void **state)
{
	struct policy p = loosest();

	(void)state;
	decide1(&p, ZONE_PROVEN);
	assert_int_equal(net.n_grants, 2);
	has_pair("vif1.0", "eth0", GRANT_OPEN);
	port_is(0, false, REASON_NET_CORPORATE, "eth0");
	port_is(1, true, REASON_OK, "eth0");
}

static void foreign_and_home_open_to_personal_alone_less_the_company(void **state)
{
	struct policy p = loosest();

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		decide1(&p, i == 0 ? ZONE_FOREIGN : ZONE_HOME);
		assert_int_equal(net.n_grants, 2);
		has_pair("host0", "eth0", GRANT_OPEN_LESS_CORPORATE);
		port_is(0, true, REASON_OK, "eth0");
		port_is(1, false, REASON_NET_FOREIGN, "eth0");
	}
}

static void the_policy_closes_single_cells(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.foreign = POLICY_FOREIGN_ASK;
	decide1(&p, ZONE_FOREIGN);
	port_is(0, false, REASON_NET_ASK, "eth0");
	p.foreign = POLICY_FOREIGN_ENROLLED_ONLY;
	decide1(&p, ZONE_FOREIGN);
	port_is(0, false, REASON_NET_NOT_ENROLLED, "eth0");
	decide1(&p, ZONE_HOME);
	port_is(0, true, REASON_OK, "eth0");
	p.home_allowed = 0;
	decide1(&p, ZONE_HOME);
	port_is(0, false, REASON_NET_POLICY, "eth0");
	p.work_proven = 0;
	decide1(&p, ZONE_PROVEN);
	port_is(1, false, REASON_NET_POLICY, "eth0");
	assert_int_equal(net.n_grants, 0);
}

/* A yes opens the one cell that asks for it, on the one uplink that it was said for. */
static void a_yes_opens_only_where_the_policy_asks(void **state)
{
	struct decide_uplink up[] = { { .ifname = "eth0", .zone = ZONE_FOREIGN, .agreed = 1 },
				      { .ifname = "wlan0", .zone = ZONE_FOREIGN } };
	struct policy p = loosest();

	(void)state;
	p.foreign = POLICY_FOREIGN_ASK;
	decide_grants(&p, up, 2, ports, 2, 5000, &net);
	port_is(0, true, REASON_OK, "eth0");
	assert_int_equal(net.n_grants, 2);
	p.foreign = POLICY_FOREIGN_ENROLLED_ONLY;
	decide_grants(&p, up, 2, ports, 2, 5000, &net);
	port_is(0, false, REASON_NET_NOT_ENROLLED, "eth0");
	p.foreign = POLICY_FOREIGN_ASK;
	for (enum zone z = ZONE_UNKNOWN; z < ZONE_FOREIGN; z++) {
		up[0].zone = z;
		decide_grants(&p, up, 1, ports, 1, 5000, &net);
		assert_int_equal(net.n_grants, 0);
	}
}

static void one_company_uplink_closes_personal_on_all(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.other_uplink_closes = 1;
	decide2(&p, ZONE_FOREIGN, ZONE_SUSPECT);
	assert_int_equal(net.n_grants, 0);
	port_is(0, false, REASON_NET_OTHER_UPLINK, "wlan0");
	decide2(&p, ZONE_PROVEN, ZONE_HOME);
	assert_int_equal(net.n_grants, 2);
	has_pair("vif1.0", "eth0", GRANT_OPEN);
	port_is(0, false, REASON_NET_OTHER_UPLINK, "eth0");
	port_is(1, true, REASON_OK, "eth0");
}

/* The cable of the company went a moment ago, or its sign is not yet shown as a zone. */
static void an_uplink_that_closes_counts_whatever_its_zone(void **state)
{
	struct decide_uplink up[] = { { .ifname = "wlan0", .zone = ZONE_HOME },
				      { .ifname = "eth0", .closes = 1 } };
	struct policy p = loosest();

	(void)state;
	decide_grants(&p, up, 2, ports, 2, 5000, &net);
	port_is(0, true, REASON_OK, "wlan0");
	p.other_uplink_closes = 1;
	decide_grants(&p, up, 2, ports, 2, 5000, &net);
	port_is(0, false, REASON_NET_OTHER_UPLINK, "eth0");
	up[1].closes = 0;
	decide_grants(&p, up, 2, ports, 2, 5000, &net);
	port_is(0, true, REASON_OK, "wlan0");
}

static void unless_the_policy_relaxes_that(void **state)
{
	struct policy p = loosest();

	(void)state;
	decide2(&p, ZONE_FOREIGN, ZONE_PROVEN);
	assert_int_equal(net.n_grants, 4);
	has_pair("host0", "eth0", GRANT_OPEN_LESS_CORPORATE);
	has_pair("vif1.0", "wlan0", GRANT_OPEN);
}

static void an_unknown_uplink_does_not_close_another(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.other_uplink_closes = 1;
	decide2(&p, ZONE_UNKNOWN, ZONE_FOREIGN);
	has_pair("host0", "wlan0", GRANT_OPEN_LESS_CORPORATE);
	port_is(0, true, REASON_OK, "wlan0");
	port_is(1, false, REASON_NET_FOREIGN, "wlan0");
}

static void an_expired_policy_goes_on_to_isolate_as_before(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.expires_wall_s = 1;
	p.grace_s = 0;
	decide1(&p, ZONE_SUSPECT);
	assert_int_equal(net.n_grants, 0);
	decide1(&p, ZONE_PROVEN);
	assert_int_equal(net.n_grants, 2);
}

static void without_uplinks_each_port_is_told_so(void **state)
{
	struct policy p = loosest();

	(void)state;
	decide_grants(&p, NULL, 0, ports, 2, 5000, &net);
	assert_int_equal(net.n_grants, 0);
	port_is(0, false, REASON_NET_NO_UPLINK, "");
}

static void all_uplinks_and_ports_fit(void **state)
{
	struct decide_uplink up[MSG_UPLINKS];
	struct decide_port port[MSG_PORTS];
	struct policy p = loosest();

	(void)state;
	for (unsigned i = 0; i < MSG_UPLINKS; i++)
		up[i] = (struct decide_uplink){ .ifname = { 'u', (char)('0' + i) },
						.zone = ZONE_FOREIGN };
	for (unsigned i = 0; i < MSG_PORTS; i++)
		port[i] = (struct decide_port){ { 'p', (char)('0' + i) }, NET_CLASS_PERSONAL };
	decide_grants(&p, up, MSG_UPLINKS, port, MSG_PORTS, 5000, &net);
	assert_int_equal(net.n_grants, MSG_GRANTS);
}

static void tells_a_tightening_from_a_loosening(void **state)
{
	struct policy p = loosest();
	struct decide_net closed;
	struct decide_net foreign;
	struct decide_net proven;

	(void)state;
	decide1(&p, ZONE_UNKNOWN);
	closed = net;
	decide1(&p, ZONE_FOREIGN);
	foreign = net;
	decide1(&p, ZONE_PROVEN);
	proven = net;
	assert_true(decide_loosens(&closed, &foreign));
	assert_false(decide_tightens(&closed, &foreign));
	assert_true(decide_tightens(&foreign, &closed));
	assert_false(decide_loosens(&foreign, &closed));
	assert_true(decide_tightens(&foreign, &proven));
	assert_true(decide_loosens(&foreign, &proven));
	assert_false(decide_tightens(&proven, &proven));
	assert_false(decide_loosens(&proven, &proven));
	for (unsigned i = 0; i < foreign.n_grants; i++)
		net.grant[i].timeout_ms = 1; /* a renewal is neither */
	assert_false(decide_loosens(&proven, &net));
}

static struct lease lease(void)
{
	return (struct lease){ .device = "L42", .disk = "corp", .not_after_wall_s = 1900000 };
}

static void a_disk_opens_under_its_own_lease_device_and_time(void **state)
{
	struct policy p = loosest();
	struct lease l = lease();

	(void)state;
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 1899999), REASON_OK);
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 1900000), REASON_LEASE_EXPIRED);
	assert_int_equal(decide_unlock(&p, &l, "L4", "corp", 0), REASON_LEASE_DEVICE);
	assert_int_equal(decide_unlock(&p, &l, "L421", "corp", 0), REASON_LEASE_DEVICE);
	assert_int_equal(decide_unlock(&p, &l, "", "corp", 0), REASON_DOC_MISSING);
	assert_int_equal(decide_unlock(&p, &l, "L42", "gold", 0), REASON_LEASE_DISK);
	assert_int_equal(decide_unlock(NULL, &l, "L42", "corp", 0), REASON_DOC_MISSING);

	/* plain: by the lease and, beside it, by the policy's own word about these very bytes */
	l.key.n_parents = 1;
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 0), REASON_OK);
	l.key.parent[0].plain = 1;
	memset(l.key.parent[0].root, 0x5a, 32);
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 0), REASON_PLAIN);
	p.n_plain = 2;
	memset(p.plain_sha256[1], 0x5a, 31);
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 0), REASON_PLAIN);
	p.plain_sha256[1][31] = 0x5a;
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 0), REASON_OK);
	p.n_plain = 1;
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 0), REASON_PLAIN);
}

static void no_disk_opens_after_the_policys_grace(void **state)
{
	struct policy p = loosest();
	struct lease l = lease();

	(void)state;
	l.not_after_wall_s = 9000000;
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 2000499), REASON_OK);
	assert_int_equal(decide_unlock(&p, &l, "L42", "corp", 2000500), REASON_DOC_EXPIRED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_policy_nothing_is_open_in_any_zone),
		cmocka_unit_test(unknown_and_suspect_are_closed_under_the_loosest_policy),
		cmocka_unit_test(a_yes_opens_only_where_the_policy_asks),
		cmocka_unit_test(an_uplink_that_closes_counts_whatever_its_zone),
		cmocka_unit_test(a_zone_that_does_not_exist_is_unknown),
		cmocka_unit_test(a_class_that_does_not_exist_gets_nothing),
		cmocka_unit_test(proven_opens_to_work_alone),
		cmocka_unit_test(foreign_and_home_open_to_personal_alone_less_the_company),
		cmocka_unit_test(the_policy_closes_single_cells),
		cmocka_unit_test(one_company_uplink_closes_personal_on_all),
		cmocka_unit_test(unless_the_policy_relaxes_that),
		cmocka_unit_test(an_unknown_uplink_does_not_close_another),
		cmocka_unit_test(an_expired_policy_goes_on_to_isolate_as_before),
		cmocka_unit_test(without_uplinks_each_port_is_told_so),
		cmocka_unit_test(all_uplinks_and_ports_fit),
		cmocka_unit_test(tells_a_tightening_from_a_loosening),
		cmocka_unit_test(a_disk_opens_under_its_own_lease_device_and_time),
		cmocka_unit_test(no_disk_opens_after_the_policys_grace),
	};

	return cmocka_run_group_tests_name("decide", tests, NULL, NULL);
}
