#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "netguard/gateway.h"

static struct msg_claim ack(uint8_t router, uint8_t server, uint8_t mac)
{
	struct msg_claim c = { .kind = SIGN_DHCP4,
			       .ifindex = 7,
			       .at_boot_ms = 9,
			       .dhcp4 = { .message_type = 5,
					  .server_mac = { 2, 0, 0, 0, 0, mac } } };

	memcpy(&c.dhcp4.router, ((uint8_t[]){ 192, 168, 0, router }), 4);
	memcpy(&c.dhcp4.server_id, ((uint8_t[]){ 192, 168, 0, server }), 4);
	return c;
}

static struct msg_claim arp(uint8_t host, uint8_t mac)
{
	return (struct msg_claim){ .kind = SIGN_GATEWAY,
				   .ifindex = 7,
				   .gateway = { .family = AF_INET,
						.address = { 192, 168, 0, host },
						.mac = { 2, 0, 0, 0, 0, mac } } };
}

static bool take(struct gateway *g, struct msg_claim c, struct msg_claim *ret)
{
	return gateway_take(g, &c, ret);
}

static void only_a_named_router_is_news_and_only_once(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	assert_false(take(&g, arp(1, 9), &told)); /* nobody has named it */
	assert_false(take(&g, ack(1, 2, 5), &told));
	assert_true(take(&g, arp(1, 9), &told));
	assert_int_equal(told.kind, SIGN_GATEWAY);
	assert_int_equal(told.ifindex, 7);
	assert_int_equal(told.gateway.mac[5], 9);
	for (unsigned i = 2; i < 255; i++) /* a busy LAN */
		assert_false(take(&g, arp((uint8_t)i, 8), &told));
	assert_false(take(&g, arp(1, 9), &told));
	assert_true(take(&g, arp(1, 10), &told)); /* it changed */
	assert_int_equal(told.gateway.mac[5], 10);
	assert_false(take(&g, arp(1, 10), &told));
}

static void a_router_that_is_the_server_is_known_by_its_ack(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	assert_true(take(&g, ack(1, 1, 9), &told));
	assert_int_equal(told.gateway.family, AF_INET);
	assert_memory_equal(told.gateway.address, "\xc0\xa8\0\1\0", 5);
	assert_int_equal(told.gateway.mac[5], 9);
	assert_int_equal(told.at_boot_ms, 9);
	assert_false(take(&g, arp(1, 9), &told));
}

static void to_be_named_anew_is_to_be_told_anew(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	assert_true(take(&g, ack(1, 1, 9), &told));
	assert_true(take(&g, ack(1, 1, 9), &told)); /* another cable, the same router */
	assert_false(take(&g, ack(1, 2, 5), &told));
	assert_true(take(&g, arp(1, 9), &told));
}

static void what_was_not_delivered_is_told_again(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	assert_true(take(&g, ack(1, 1, 9), &told));
	gateway_untold(&g, &told.gateway);
	assert_true(take(&g, arp(1, 9), &told));
	assert_false(take(&g, arp(1, 9), &told));
}

static void an_advertisement_names_its_sender(void **state)
{
	struct msg_claim ra = { .kind = SIGN_RA,
				.ra = { .router = { 0xfe, 0x80, [15] = 1 },
					.router_mac = { 2, 0, 0, 0, 0, 9 } } };
	struct msg_claim na = { .kind = SIGN_GATEWAY,
				.gateway = { .family = AF_INET6,
					     .address = { 0xfe, 0x80, [15] = 1 },
					     .mac = { 2, 0, 0, 0, 0, 8 } } };
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	assert_false(take(&g, ra, &told)); /* no router by its own word: lifetime 0 */
	assert_false(take(&g, na, &told));
	ra.ra.lifetime_s = 1800;
	assert_true(take(&g, ra, &told));
	assert_int_equal(told.gateway.family, AF_INET6);
	assert_int_equal(told.gateway.mac[5], 9);
	assert_true(take(&g, na, &told));
	assert_int_equal(told.gateway.mac[5], 8);
}

static void a_question_or_an_offer_names_nobody(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told, c = ack(1, 1, 9);

	(void)state;
	c.dhcp4.message_type = 2;
	assert_false(take(&g, c, &told));
	c = ack(1, 1, 9);
	c.dhcp4.router = c.dhcp4.server_id = 0;
	assert_false(take(&g, c, &told));
	c = (struct msg_claim){ .kind = SIGN_GATEWAY, .gateway = { .mac = { 2 } } };
	assert_false(take(&g, c, &told)); /* free places are nobody's */
	c.kind = SIGN_LLDP;
	assert_false(take(&g, c, &told));
}

static void the_router_named_longest_ago_gives_way(void **state)
{
	struct gateway g = { 0 };
	struct msg_claim told;

	(void)state;
	for (uint8_t i = 1; i <= GATEWAY_ROUTERS + 1; i++)
		assert_false(take(&g, ack(i, 99, 9), &told));
	assert_false(take(&g, arp(1, 9), &told));
	for (uint8_t i = 2; i <= GATEWAY_ROUTERS + 1; i++)
		assert_true(take(&g, arp(i, 9), &told));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_a_named_router_is_news_and_only_once),
		cmocka_unit_test(a_router_that_is_the_server_is_known_by_its_ack),
		cmocka_unit_test(to_be_named_anew_is_to_be_told_anew),
		cmocka_unit_test(what_was_not_delivered_is_told_again),
		cmocka_unit_test(an_advertisement_names_its_sender),
		cmocka_unit_test(a_question_or_an_offer_names_nobody),
		cmocka_unit_test(the_router_named_longest_ago_gives_way),
	};

	return cmocka_run_group_tests_name("gateway", tests, NULL, NULL);
}
