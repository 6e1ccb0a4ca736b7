/* Networks without DHCPv4, and routers that change. */
#include "tests/unit/classify_lab.h"

static void reply6(struct lab *l, uint8_t resolver, uint32_t status)
{
	struct msg_claim c = { .kind = SIGN_DHCP6,
			       .dhcp6 = { .message_type = 7,
					  .status = status,
					  .n_resolvers = 1,
					  .resolver = { { 0xfd, [15] = resolver } } } };

	memcpy(c.dhcp6.client_mac, OWN_MAC, sizeof(OWN_MAC));
	claim(l, &c);
}

static void a_router_and_an_address_of_its_prefix_are_an_exchange(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	hear_router(&l, 1, 5, 1800);
	address6_is(&l, 5, 9, true);
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_router_alone_is_none(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	hear_router(&l, 1, 5, 1800);
	address6_is(&l, 6, 9, true); /* of somebody else's prefix */
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void an_address_alone_is_none(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	address6_is(&l, 5, 9, true);
	beat(&l);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_router_without_a_lifetime_is_none(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	hear_router(&l, 1, 5, 0);
	address6_is(&l, 5, 9, true);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_prefix_that_is_over_is_none(void **state)
{
	struct msg_claim c = router(1, 5, 1800);
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	c.ra.prefix[0].valid_s = 0;
	claim(&l, &c);
	address6_is(&l, 5, 9, true);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* A neighbour that answers for its own address, twice, is no gateway of ours. */
static void only_routers_that_were_named_are_gateways(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	gateway_answers(&l, 0x0900a8c0, 1);
	gateway_answers(&l, 0x0900a8c0, 2);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	assert_int_equal(l.s.seen.n_gateways, 0);
}

static void a_managed_network_needs_a_reply_to_us(void **state)
{
	struct msg_claim c = router(1, 5, 1800);
	struct msg_claim other = { .kind = SIGN_DHCP6, .dhcp6 = { .message_type = 7 } };
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	c.ra.flags = 0x80;
	claim(&l, &c);
	claim(&l, &other); /* to a neighbour */
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	reply6(&l, 1, 2); /* no addresses */
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	reply6(&l, 1, 0);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	reply6(&l, 1, 4); /* not on this link */
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	reply6(&l, 1, 0);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	reply6(&l, 2, 0);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_reply_needs_a_router_that_said_so(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	hear_router(&l, 1, 5, 1800); /* no M, no O */
	reply6(&l, 1, 0);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_router_of_the_link_before_is_none(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	hear_router(&l, 1, 5, 1800);
	address6_is(&l, 5, 9, true);
	link_is(&l, false);
	link_is(&l, true);
	beats(&l, 3 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void the_end_of_a_router_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	hear_router(&l, 1, 5, 30);
	address6_is(&l, 5, 9, true);
	beats(&l, 29000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void become_foreign6(struct lab *l)
{
	begin(l);
	beat(l);
	hear_router(l, 1, 5, 1800);
	address6_is(l, 5, 9, true);
	beats(l, WINDOW_MS);
	assert_int_equal(l->s.zone, ZONE_FOREIGN);
}

static void the_same_advertisement_again_changes_nothing(void **state)
{
	struct msg_claim c = router(1, 5, 900);
	struct lab l;

	(void)state;
	become_foreign6(&l);
	c.ra.prefix[0].valid_s = 17;
	claim(&l, &c);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void every_change_of_an_advertisement_closes(void **state)
{
	struct msg_claim changed[9];
	struct lab l;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(changed); i++)
		changed[i] = router(1, 5, 1800);
	changed[0].ra.prefix[0].address[3] = 6;
	changed[1].ra.router_mac[5] ^= 1;
	changed[2].ra.flags ^= 0x40;
	changed[3].ra.lifetime_s = 0;
	changed[4].ra.n_resolvers = 1;
	changed[5].ra.search[0] = 'x';
	changed[6].ra.pvd[0] = 'x';
	changed[7].ra.router[15] = 2; /* another router */
	changed[8].ra.prefix[0].len_bits = 60;
	for (unsigned i = 0; i < ARRAY_LEN(changed); i++) {
		become_foreign6(&l);
		claim(&l, &changed[i]);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	}
}

static void more_routers_than_fit_never_settle(void **state)
{
	struct lab l;

	(void)state;
	become_foreign6(&l);
	for (uint8_t i = 2; i <= CLASSIFY_ROUTERS; i++)
		hear_router(&l, i, 5, 1800);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	for (unsigned i = 0; i < 2; i++) {
		hear_router(&l, 77, 5, 1800);
		assert_int_equal(l.s.zone, ZONE_UNKNOWN);
		beats(&l, WINDOW_MS);
	}
}

/* A second protocol that greets late: perhaps another VLAN. */
static void a_lease_after_a_router_is_an_event_and_the_reverse(void **state)
{
	struct lab l;

	(void)state;
	become_foreign6(&l);
	take_lease(&l, "fritz.box");
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	begin(&l);
	become_foreign(&l);
	hear_router(&l, 1, 5, 1800);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void what_a_router_announced_is_no_event(void **state)
{
	struct classify_fact gateway = { .kind = CLASSIFY_GATEWAY,
					 .address = { .gained = true,
						      .family = AF_INET6,
						      .address = { 0xfe, 0x80, [15] = 1 } } };
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "fritz.box");
	hear_router(&l, 1, 5, 1800);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	address6_is(&l, 5, 9, true);
	(void)step(&l, &gateway);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	gateway.address.address[15] = 2;
	(void)step(&l, &gateway);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void new_rules_are_held_against_routers_too(void **state)
{
	struct lab l;

	(void)state;
	become_foreign6(&l);
	l.rules.any_kinds |= 1U << SIGN_RA;
	simple(&l, CLASSIFY_RULES);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_router_and_an_address_of_its_prefix_are_an_exchange),
		cmocka_unit_test(a_router_alone_is_none),
		cmocka_unit_test(an_address_alone_is_none),
		cmocka_unit_test(a_router_without_a_lifetime_is_none),
		cmocka_unit_test(a_prefix_that_is_over_is_none),
		cmocka_unit_test(only_routers_that_were_named_are_gateways),
		cmocka_unit_test(a_managed_network_needs_a_reply_to_us),
		cmocka_unit_test(a_reply_needs_a_router_that_said_so),
		cmocka_unit_test(a_router_of_the_link_before_is_none),
		cmocka_unit_test(the_end_of_a_router_closes),
		cmocka_unit_test(the_same_advertisement_again_changes_nothing),
		cmocka_unit_test(every_change_of_an_advertisement_closes),
		cmocka_unit_test(more_routers_than_fit_never_settle),
		cmocka_unit_test(a_lease_after_a_router_is_an_event_and_the_reverse),
		cmocka_unit_test(what_a_router_announced_is_no_event),
		cmocka_unit_test(new_rules_are_held_against_routers_too),
	};

	return cmocka_run_group_tests_name("classify_exchange", tests, NULL, NULL);
}
