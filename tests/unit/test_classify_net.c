#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "netguard/classify_net.h"

static struct classify_address v6(bool gained, uint8_t net, uint8_t host)
{
	return (struct classify_address){ .gained = gained,
					  .family = AF_INET6,
					  .length_bits = 64,
					  .address = { 0xfd, [7] = net, [15] = host } };
}

static bool change(struct classify_net *n, bool gained, uint8_t net, uint8_t host)
{
	struct classify_address a = v6(gained, net, host);

	return classify_net_address(n, &a);
}

static void the_first_and_last_address_of_a_network_are_news(void **state)
{
	struct classify_net n = { 0 };

	(void)state;
	assert_true(change(&n, true, 1, 1));
	assert_false(change(&n, true, 1, 1));
	assert_false(change(&n, true, 1, 2));
	assert_false(change(&n, false, 1, 1));
	assert_true(change(&n, false, 1, 2));
	assert_false(change(&n, false, 1, 2));
}

static void a_prefix_is_compared_to_its_last_bit(void **state)
{
	struct classify_net n = { 0 };
	struct classify_address a = v6(true, 0, 1), b = v6(true, 4, 1);

	(void)state;
	a.length_bits = b.length_bits = 61;
	assert_true(classify_net_address(&n, &a));
	assert_false(classify_net_address(&n, &b)); /* differs in bit 62 */
	b.address[7] = 8;
	b.address[15] = 2;
	assert_true(classify_net_address(&n, &b)); /* differs in bit 61 */
}

static void every_ipv4_address_is_news(void **state)
{
	struct classify_net n = { 0 };
	struct classify_address a = {
		.gained = true, .family = AF_INET, .length_bits = 24, .address = { 192, 0, 2, 1 }
	};

	(void)state;
	assert_true(classify_net_address(&n, &a));
	assert_false(classify_net_address(&n, &a));
	a.address[3] = 2;
	assert_true(classify_net_address(&n, &a));
}

static void link_local_addresses_say_nothing(void **state)
{
	struct classify_net n = { 0 };
	struct classify_address a = {
		.gained = true, .family = AF_INET6, .length_bits = 64, .address = { 0xfe, 0xbf }
	};

	(void)state;
	assert_false(classify_net_address(&n, &a));
	a.address[1] = 0xc0;
	assert_true(classify_net_address(&n, &a));
}

static void a_full_table_makes_every_gain_news(void **state)
{
	struct classify_net n = { 0 };

	(void)state;
	for (unsigned i = 0; i < CLASSIFY_NET_MAX; i++)
		(void)change(&n, true, 1, (uint8_t)i);
	assert_true(change(&n, true, 1, 200));
	assert_true(change(&n, true, 1, 200));
	assert_int_equal(n.n, CLASSIFY_NET_MAX);
}

static void a_gateway_is_news_once_each_way(void **state)
{
	struct classify_address a = v6(true, 1, 1), b = v6(true, 1, 2);
	struct classify_net n = { 0 };

	(void)state;
	assert_true(classify_net_gateway(&n, &a));
	assert_false(classify_net_gateway(&n, &a));
	assert_true(classify_net_gateway(&n, &b));
	a.gained = false;
	assert_true(classify_net_gateway(&n, &a));
	assert_false(classify_net_gateway(&n, &a));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_first_and_last_address_of_a_network_are_news),
		cmocka_unit_test(a_prefix_is_compared_to_its_last_bit),
		cmocka_unit_test(every_ipv4_address_is_news),
		cmocka_unit_test(link_local_addresses_say_nothing),
		cmocka_unit_test(a_full_table_makes_every_gain_news),
		cmocka_unit_test(a_gateway_is_news_once_each_way),
	};

	return cmocka_run_group_tests_name("classify_net", tests, NULL, NULL);
}
