/* Work outside, tunnels and portals; and random policies: no grant that design 4.1's table lacks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "tests/unit/decide_lab.h"

static void outside_work_has_its_vpn_alone(void **state)
{
	static const enum zone outside[] = { ZONE_SUSPECT, ZONE_FOREIGN, ZONE_HOME };
	struct policy p = loosest();

	(void)state;
	p.foreign = POLICY_FOREIGN_ENROLLED_ONLY;
	p.home_allowed = 0;
	p.n_vpn = 1;
	for (unsigned i = 0; i < 3; i++) {
		decide1(&p, outside[i]);
		assert_int_equal(net.n_grants, 2);
		has_pair("vif1.0", "eth0", GRANT_VPN);
		port_is(1, true, REASON_OK, "eth0");
		assert_int_equal(net.port[1].verdict, GRANT_VPN);
	}
	decide1(&p, ZONE_UNKNOWN);
	assert_int_equal(net.n_grants, 0);
	decide1(&p, ZONE_PROVEN);
	has_pair("vif1.0", "eth0", GRANT_OPEN);
	decide2(&p, ZONE_FOREIGN, ZONE_PROVEN); /* shown is the one that opens more */
	port_is(1, true, REASON_OK, "wlan0");
	assert_int_equal(net.port[1].verdict, GRANT_OPEN);
}

static void decide_tunnel(const struct policy *p, enum zone lan, enum zone tunnel)
{
	struct decide_uplink up[] = { { .ifname = "eth0", .zone = lan },
				      { .ifname = "wg0", .zone = tunnel, .kind = UPLINK_TUNNEL } };

	decide_grants(p, up, 2, ports, 2, 5000, &net);
}

static void a_proven_tunnel_is_works_and_changes_nothing_else(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.work_tunnel = 1;
	p.other_uplink_closes = 1;
	decide_tunnel(&p, ZONE_FOREIGN, ZONE_TUNNEL);
	assert_int_equal(net.n_grants, 4);
	has_pair("host0", "eth0", GRANT_OPEN_LESS_CORPORATE);
	has_pair("vif1.0", "wg0", GRANT_OPEN);
	p.work_tunnel = 0;
	decide_tunnel(&p, ZONE_FOREIGN, ZONE_TUNNEL);
	assert_int_equal(net.n_grants, 2);
	has_pair("host0", "eth0", GRANT_OPEN_LESS_CORPORATE);
}

static void zones_of_wires_are_not_for_tunnels_nor_theirs_for_wires(void **state)
{
	struct policy p = loosest();

	(void)state;
	p.work_tunnel = p.n_vpn = p.portal_allowed = 1;
	for (unsigned z = 0; z < N_ZONES; z++) {
		if (z == ZONE_TUNNEL)
			continue;
		decide_tunnel(&p, ZONE_UNKNOWN, (enum zone)z);
		assert_int_equal(net.n_grants, 0);
	}
	decide1(&p, ZONE_TUNNEL);
	assert_int_equal(net.n_grants, 0);
}

static void a_portal_opens_on_a_word_in_foreign_alone(void **state)
{
	struct decide_uplink up = { .ifname = "eth0", .zone = ZONE_FOREIGN, .portal = 1 };
	struct policy p = loosest();

	(void)state;
	p.foreign = POLICY_FOREIGN_ENROLLED_ONLY;
	decide_grants(&p, &up, 1, ports, 2, 5000, &net);
	assert_int_equal(net.n_grants, 0); /* policy says nothing of portals */
	p.portal_allowed = 1;
	decide_grants(&p, &up, 1, ports, 2, 5000, &net);
	assert_int_equal(net.n_grants, 2);
	has_pair("host0", "eth0", GRANT_PORTAL);
	assert_int_equal(net.port[0].verdict, GRANT_PORTAL);
	p.foreign = POLICY_FOREIGN_ALLOW; /* narrows nothing */
	decide_grants(&p, &up, 1, ports, 2, 5000, &net);
	has_pair("host0", "eth0", GRANT_OPEN_LESS_CORPORATE);
	p.foreign = POLICY_FOREIGN_ASK;
	p.home_allowed = 0;
	for (unsigned z = 0; z < N_ZONES; z++) {
		up.zone = z;
		decide_grants(&p, &up, 1, ports, 1, 5000, &net);
		assert_int_equal(net.n_grants, z == ZONE_FOREIGN ? 2 : 0);
	}
}

static uint32_t any(uint32_t n)
{
	return (uint32_t)rand() % n;
}

/* Design 4.1, whatever a policy says and however many uplinks there are. */
static void check_table(const struct policy *p, const struct decide_uplink *up, unsigned n)
{
	bool company = false;

	for (unsigned u = 0; u < n; u++)
		company =
			company ||
			(up[u].kind == UPLINK_LAN &&
			 (up[u].zone == ZONE_PROVEN || up[u].zone == ZONE_SUSPECT || up[u].closes));
	for (unsigned i = 0; i < net.n_grants; i++) {
		const struct msg_grant *g = &net.grant[i];
		bool out = g->verdict != GRANT_BACK && g->verdict != GRANT_BACK_VPN;
		const char *name = out ? g->out_ifname : g->in_ifname;
		const struct decide_uplink *by = &up[name[1] - '0'];
		bool outside = by->zone == ZONE_FOREIGN || by->zone == ZONE_HOME;

		assert_int_not_equal(by->zone, ZONE_UNKNOWN);
		assert_int_equal(by->kind == UPLINK_TUNNEL, by->zone == ZONE_TUNNEL);
		if (g->net_class == NET_CLASS_PERSONAL) {
			assert_true(outside);
			assert_false(company && p->other_uplink_closes);
			assert_true(g->verdict == GRANT_OPEN_LESS_CORPORATE ||
				    g->verdict == GRANT_PORTAL || g->verdict == GRANT_BACK);
			assert_true(g->verdict != GRANT_PORTAL ||
				    (by->portal && p->portal_allowed && by->zone == ZONE_FOREIGN));
		} else if (by->zone == ZONE_PROVEN || by->zone == ZONE_TUNNEL) {
			assert_true(g->verdict == GRANT_OPEN || g->verdict == GRANT_BACK);
		} else {
			assert_true(g->verdict == GRANT_VPN || g->verdict == GRANT_BACK_VPN);
			assert_true(p->n_vpn > 0);
		}
	}
}

static void no_policy_opens_what_the_table_closes(void **state)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	unsigned n_grants = 0;

	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	for (unsigned run = 0; run < 200000; run++) {
		struct decide_uplink up[3] = { 0 };
		struct policy p = { .foreign = any(3),
				    .home_allowed = any(2),
				    .work_proven = any(2),
				    .work_tunnel = any(2),
				    .other_uplink_closes = any(2),
				    .portal_allowed = any(2),
				    .n_vpn = any(3) };

		for (unsigned u = 0; u < 3; u++)
			up[u] = (struct decide_uplink){ .ifname = { 'u', (char)('0' + u) },
							.zone = any(N_ZONES + 1),
							.kind = any(N_UPLINK_KINDS),
							.closes = any(4) == 0,
							.portal = any(2) };
		decide_grants(&p, up, 3, ports, 2, 5000, &net);
		check_table(&p, up, 3);
		n_grants += net.n_grants;
	}
	assert_true(n_grants > 10000); /* not held by staying closed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(outside_work_has_its_vpn_alone),
		cmocka_unit_test(a_proven_tunnel_is_works_and_changes_nothing_else),
		cmocka_unit_test(zones_of_wires_are_not_for_tunnels_nor_theirs_for_wires),
		cmocka_unit_test(a_portal_opens_on_a_word_in_foreign_alone),
		cmocka_unit_test(no_policy_opens_what_the_table_closes),
	};

	return cmocka_run_group_tests_name("decide_outside", tests, NULL, NULL);
}
