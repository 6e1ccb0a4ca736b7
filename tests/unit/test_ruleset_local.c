#include "tests/unit/ruleset_lab.h"

static void egress_parts_local_sockets_before_it_looks_at_marks(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r), *egress, *local;

	(void)state;
	local = chain(t, "local_1");
	assert_non_null(strstr(local, "meta skuid 64005 udp dport 6262 accept"));
	assert_non_null(strstr(local, "meta skuid 64005 ip daddr . tcp dport @tls4 accept"));
	assert_non_null(strstr(local, "meta skuid 64005 ip6 daddr . tcp dport @tls6 accept"));
	assert_non_null(strstr(local, "\t\tgoto leak"));
	assert_null(strstr(local, "@epoch"));
	/* root's DHCP, the prober's three, resolvers, tunnels: nothing else */
	assert_int_equal(count(local, " accept\n"), 9);
	assert_int_equal(count(local, "meta skuid . meta oifname @dns_out "), 2);
	assert_int_equal(count(local, "meta mark 0x42570000 oifname . "), 2);

	egress = chain(t, "egress_1");
	assert_non_null(strstr(egress, "device \"wl0.1\""));
	assert_before(egress, "meta skuid 0-4294967294 goto local_1", "accept");
	assert_before(egress, "meta mark @epoch accept", "mld2-listener-report");
	assert_before(egress, "mld2-listener-report", "meta mark != 0");
	assert_before(egress, "meta mark != 0 goto stale", "ether type arp");
	/* the epoch, tunnels of the kernel, and four kinds of its own: nothing else */
	assert_int_equal(count(egress, " accept\n"), 7);
	assert_int_equal(count(egress, "limit rate"), 4);
	assert_int_equal(count(egress, "@tunnel"), 2);
}

static void a_port_reaches_nothing_but_its_own_address(void **state)
{
	struct ruleset r = two_uplinks();
	const char *input = chain(build(&r), "input_port");

	(void)state;
	assert_before(input, "fib daddr . iif type != local counter name blocked drop",
		      "\t\tudp sport 68 udp dport 67 accept");
	assert_before(input, "fib daddr . iif type != local counter name blocked drop",
		      "udp dport 53 jump clock");
	assert_int_equal(count(input, "dport 53"), 2);
}

static void resolvers_ask_on_port_53_alone_and_personals_not_the_company(void **state)
{
	struct ruleset r = two_uplinks();
	const char *out = chain(build(&r), "output_dns");

	(void)state;
	assert_before(out, "meta skuid 64012 ip daddr @corporate4 counter name corporate drop",
		      "udp dport 53 jump clock");
	assert_before(out, "meta skuid 64012 ip6 daddr @corporate6 counter name corporate drop",
		      "udp dport 53 jump clock");
	assert_before(out, "oifname \"lo\" counter name blocked drop", "accept");
	assert_int_equal(count(out, "accept"), 1); /* TCP, to a port */
}

static void into_a_tunnel_goes_the_prober_and_the_epoch_alone(void **state)
{
	struct ruleset r = two_uplinks();
	const char *egress, *local;

	(void)state;
	r.kind[1] = UPLINK_TUNNEL;
	egress = chain(build(&r), "egress_1");
	assert_before(egress, "meta skuid 0-4294967294 goto local_1", "@epoch accept");
	assert_int_equal(count(egress, " accept\n"), 1);
	local = chain(build(&r), "local_1");
	assert_non_null(strstr(local, "meta skuid 64005 udp dport 6262 accept"));
	assert_int_equal(count(local, " accept\n"), 1);
}

static void eapol_leaves_where_there_is_a_supplicant_and_by_it_alone(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t;

	(void)state;
	r.uid_supplicant = 64014;
	assert_null(strstr(build(&r), "888e"));
	r.kind[1] = UPLINK_RADIO;
	t = build(&r);
	assert_int_equal(count(t, "888e"), 1);
	assert_before(chain(t, "local_1"), "meta skuid 64014 ether type 0x888e accept",
		      "\t\tgoto leak");
	r.uid_supplicant = 0; /* the rules of boot: nobody runs */
	assert_null(strstr(build(&r), "888e"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(egress_parts_local_sockets_before_it_looks_at_marks),
		cmocka_unit_test(a_port_reaches_nothing_but_its_own_address),
		cmocka_unit_test(resolvers_ask_on_port_53_alone_and_personals_not_the_company),
		cmocka_unit_test(into_a_tunnel_goes_the_prober_and_the_epoch_alone),
		cmocka_unit_test(eapol_leaves_where_there_is_a_supplicant_and_by_it_alone),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
