#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <cmocka.h>

#include "netguard/netstate.h"

static const struct ruleset ruleset = { .n_uplinks = 1, .uplink = { "en0" } };

static struct msg_net_state good(void)
{
	return (struct msg_net_state){
		.id = 1,
		.epoch = 1,
		.n_grants = 2,
		.wall_bound_s = 1700000000,
		.n_prefixes = 1,
		.grant = { { "host0", "en0", GRANT_OPEN_LESS_CORPORATE, NET_CLASS_PERSONAL, 5000 },
			   { "en0", "host0", GRANT_BACK, NET_CLASS_PERSONAL, 5000 } },
		.prefix = { { AF_INET, 8, { 10 } } },
	};
}

static void accepts_a_pair_and_nothing_at_all(void **state)
{
	struct msg_net_state s = good(), none = { .epoch = UINT16_MAX };

	(void)state;
	assert_int_equal(netstate_check(&s, &ruleset), 0);
	assert_int_equal(netstate_check(&none, &ruleset), 0);
}

static void an_uplink_that_is_not_there_is_no_breach(void **state)
{
	struct msg_net_state s = good();

	(void)state;
	memcpy(s.grant[0].out_ifname, "en1", 4);
	assert_int_equal(netstate_check(&s, &ruleset), -ENODEV);
}

static void out_never_starts_at_an_uplink_and_back_never_at_a_port(void **state)
{
	struct msg_net_state s = good(), between = good();

	(void)state;
	s.grant[0].verdict = GRANT_BACK;
	assert_int_equal(netstate_check(&s, &ruleset), -ENODEV);
	s = good();
	s.grant[1].verdict = GRANT_OPEN;
	assert_int_equal(netstate_check(&s, &ruleset), -ENODEV);
	memcpy(between.grant[0].in_ifname, "en0", 4);
	assert_int_equal(netstate_check(&between, &ruleset), -ENODEV);
}

static void every_number_has_a_range(void **state)
{
	struct msg_endpoint udp = { .protocol = IPPROTO_UDP, .port = 1, .address = { 1 } };
	struct msg_net_state s;

	(void)state;
#define BREAKS(change)                                                                             \
	do {                                                                                       \
		s = good();                                                                        \
		change;                                                                            \
		assert_int_equal(netstate_check(&s, &ruleset), -EPROTO);                           \
	} while (0)
	BREAKS(s.epoch = 0);
	BREAKS(s.epoch = UINT16_MAX + 1);
	BREAKS(s.tightens = 2);
	BREAKS(s.links_down = 2);
	BREAKS(s.links_down = 1); /* with grants */
	BREAKS(s.n_endpoints = MSG_ENDPOINTS + 1);
	BREAKS(s.n_tls = MSG_TLS + 1);
	BREAKS((s.n_tls = 1, s.tls[0] = (struct msg_endpoint){ .family = AF_INET, .protocol = 6 }));
	BREAKS((s.n_tls = 1, s.tls[0] = (struct msg_endpoint){
				     .family = AF_INET, .protocol = 17, .port = 443 }));
	BREAKS(s.n_grants = MSG_GRANTS + 1);
	BREAKS(s.n_prefixes = MSG_PREFIXES + 1);
	BREAKS(s.wall_bound_s = UINT64_MAX);
	BREAKS(s.grant[0].verdict = 0);
	BREAKS(s.grant[0].verdict = N_GRANT_VERDICTS);
	BREAKS(s.grant[0].net_class = N_NET_CLASSES);
	BREAKS(s.grant[0].timeout_ms = 0);
	BREAKS(s.grant[0].timeout_ms = NETSTATE_TIMEOUT_MAX_MS + 1);
	BREAKS(s.grant[0].in_ifname[0] = '\0');
	BREAKS(s.grant[0].in_ifname[0] = '\n');
	BREAKS(memset(s.grant[1].out_ifname, 'a', MSG_IFNAME_BYTES));
	BREAKS(s.prefix[0].len_bits = 4);
	BREAKS(s.prefix[0].family = 0);
	BREAKS(s.n_endpoints = 1); /* family 0 */
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp));
	udp.family = AF_INET;
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp, s.endpoint[0].port = 0));
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp, s.endpoint[0].port = UINT16_MAX + 1));
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp, s.endpoint[0].protocol = IPPROTO_ICMP));
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp, s.endpoint[0].protocol = IPPROTO_ESP));
	BREAKS((s.n_endpoints = 1, s.endpoint[0] = udp, s.endpoint[0].address[4] = 1));
#undef BREAKS
	s = good();
	s.n_endpoints = 2;
	s.endpoint[0] = udp;
	s.endpoint[1] = (struct msg_endpoint){ .family = AF_INET6, .protocol = IPPROTO_ESP };
	assert_int_equal(netstate_check(&s, &ruleset), 0);
}

static void the_vpn_is_works_and_a_portal_is_personals(void **state)
{
	struct msg_net_state s = good();

	(void)state;
	s.grant[0].verdict = GRANT_PORTAL;
	assert_int_equal(netstate_check(&s, &ruleset), 0);
	s.grant[0].net_class = NET_CLASS_WORK;
	assert_int_equal(netstate_check(&s, &ruleset), -EPROTO);
	s.grant[0].verdict = GRANT_VPN;
	s.grant[1].net_class = NET_CLASS_WORK;
	s.grant[1].verdict = GRANT_BACK_VPN;
	assert_int_equal(netstate_check(&s, &ruleset), 0);
	s.grant[1].net_class = NET_CLASS_PERSONAL;
	assert_int_equal(netstate_check(&s, &ruleset), -EPROTO);
	s = good();
	s.grant[0].verdict = GRANT_VPN;
	assert_int_equal(netstate_check(&s, &ruleset), -EPROTO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(accepts_a_pair_and_nothing_at_all),
		cmocka_unit_test(an_uplink_that_is_not_there_is_no_breach),
		cmocka_unit_test(out_never_starts_at_an_uplink_and_back_never_at_a_port),
		cmocka_unit_test(every_number_has_a_range),
		cmocka_unit_test(the_vpn_is_works_and_a_portal_is_personals),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
