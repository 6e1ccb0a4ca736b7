/* What a home is known by: each part of what was heard there, and nothing else. */
#include "tests/unit/classify_lab.h"

/* A server that is not the router, a router of IPv6 besides. */
static struct classify_exchange rich(bool dhcp)
{
	struct classify_exchange x = { .n_routers = 1 };

	x.router[0].until_boot_ms = UINT64_MAX;
	x.router[0].ra = router(1, 5, 1800).ra;
	if (!dhcp)
		return x;
	x.dhcp_done = true;
	x.dhcp = ack("fritz.box").dhcp4;
	x.dhcp.server_id ^= 1;
	x.n_gateways = 1;
	x.gateway[0] = (struct msg_gateway){ .family = AF_INET, .mac = { 2, 0, 0, 0, 0, 0x12 } };
	memcpy(x.gateway[0].address, &x.dhcp.router, 4);
	return x;
}

static bool is_home(const struct classify_exchange *enrolled, const struct classify_exchange *now)
{
	struct classify_home home;

	assert_true(classify_home_of(enrolled, &home));
	assert_false(classify_home_is(&home, enrolled)); /* it has no name: it is none */
	memcpy(home.name, "flat", 5);
	return classify_home_is(&home, now);
}

static void each_thing_by_itself_makes_a_stranger(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= 9; i++) {
		struct classify_exchange x = rich(i < 7), now = x;

		switch (i) {
		case 0:
			now.dhcp.server_id ^= 2;
			break;
		case 1:
			now.dhcp.server_mac[0] ^= 4;
			break;
		case 2:
			now.gateway[0].mac[5] ^= 1;
			break;
		case 3:
			now.dhcp.router ^= 1 << 24;
			memcpy(now.gateway[0].address, &now.dhcp.router, 4);
			break;
		case 4:
			now.router[0].ra.router_mac[5] ^= 1;
			break;
		case 5:
			now.router[0].ra.router[15] ^= 1;
			break;
		case 6:
			now.router[now.n_routers++] = now.router[0];
			break;
		case 7:
			now.router[0].ra.prefix[0].address[2] ^= 1;
			break;
		case 8:
			now.router[0].ra.prefix[0].len_bits = 63;
			break;
		default:
			now.dhcp_done = true;
			now.dhcp = ack("fritz.box").dhcp4;
		}
		assert_true(is_home(&x, &x));
		if (is_home(&x, &now))
			fail_msg("difference %u was not seen", i);
	}
}

/* Providers give another prefix every day. */
static void beside_dhcp_the_prefix_may_change(void **state)
{
	struct classify_exchange x = rich(true), now = x;

	(void)state;
	now.router[0].ra.prefix[0].address[2] ^= 1;
	assert_true(is_home(&x, &now));
}

static void a_gateway_beside_the_server_must_have_been_heard(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct classify_home home;
	struct lab l;

	(void)state;
	begin(&l);
	c.dhcp4.server_id ^= 1;
	claim(&l, &c);
	assert_false(classify_home_of(&l.s.seen, &home));
	gateway_answers(&l, 0x0100a8c0, 0x11);
	assert_true(classify_home_of(&l.s.seen, &home));
	assert_int_equal(home.gateway_mac[5], 0x11);
}

static void what_greets_late_contradicts_nothing(void **state)
{
	struct classify_exchange v4 = rich(true), both = rich(true), v6 = rich(false), other = both;
	struct classify_home home;

	(void)state;
	v4.n_routers = 0;
	other.dhcp.server_mac[5] ^= 1;
	assert_true(classify_home_of(&v4, &home));
	assert_false(classify_home_grew(&home, &both)); /* it has no name: it is none */
	memcpy(home.name, "flat", 5);
	assert_true(classify_home_grew(&home, &both));
	assert_false(classify_home_grew(&home, &v4));
	assert_false(classify_home_grew(&home, &v6));
	assert_false(classify_home_grew(&home, &other));
	assert_true(classify_home_of(&v6, &home));
	memcpy(home.name, "flat", 5);
	assert_true(classify_home_grew(&home, &both));
	both.router[0].ra.prefix[0].address[2] ^= 1;
	assert_false(classify_home_grew(&home, &both));
	both.router[0] = v6.router[0];
	both.router[0].ra.router_mac[0] ^= 4;
	assert_false(classify_home_grew(&home, &both));
}

static void what_no_home_is_known_by_is_not_enrolled(void **state)
{
	struct classify_exchange two = rich(true), bare = two;
	struct classify_home home;

	(void)state;
	assert_true(classify_home_of(&two, &home));
	two.router[two.n_routers++] = two.router[0];
	assert_false(classify_home_of(&two, &home));
	bare.router[0].ra.n_prefixes = 0;
	assert_false(classify_home_of(&bare, &home));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_thing_by_itself_makes_a_stranger),
		cmocka_unit_test(beside_dhcp_the_prefix_may_change),
		cmocka_unit_test(a_gateway_beside_the_server_must_have_been_heard),
		cmocka_unit_test(what_greets_late_contradicts_nothing),
		cmocka_unit_test(what_no_home_is_known_by_is_not_enrolled),
	};

	return cmocka_run_group_tests_name("classify_home_known", tests, NULL, NULL);
}
