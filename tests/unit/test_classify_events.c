#include "tests/unit/classify_lab.h"

static void a_verified_announcement_suspects_until_the_link_changes(void **state)
{
	struct classify_fact f = { .kind = CLASSIFY_ANNOUNCEMENT, .site = "hq" };
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 600000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	link_is(&l, false);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void an_unchecked_announcement_says_nothing(void **state)
{
	struct msg_claim c = { .kind = SIGN_BEACON };
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	claim(&l, &c);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_proof_proves_and_its_end_leaves_suspect(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	calm(&l);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	classify_explain(&l.s, &l.rules, &why);
	assert_int_equal(why.proof_left_ms, 30000);
	assert_string_equal(why.source, "hq");
	beats(&l, 29000);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 600000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void no_proof_lasts_longer_than_a_minute(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	proof_is(&l, l.s.generation, 3600);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
	l.now += 60000;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void a_proof_of_the_link_before_is_void(void **state)
{
	uint32_t generation;
	struct lab l;

	(void)state;
	begin(&l);
	generation = l.s.generation;
	link_is(&l, false);
	link_is(&l, true);
	proof_is(&l, generation, 30);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	proof_is(&l, l.s.generation, 0);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_proof_that_was_ordered_before_a_sleep_is_void(void **state)
{
	uint32_t generation;
	struct lab l;

	(void)state;
	begin(&l);
	generation = l.s.generation;
	simple(&l, CLASSIFY_RESUME);
	proof_is(&l, generation, 30);
	beat(&l);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	proof_is(&l, l.s.generation, 30);
	assert_int_equal(l.s.zone, ZONE_PROVEN);
}

static void a_resume_ends_proof_and_absence_but_no_sign(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	simple(&l, CLASSIFY_RESUME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN); /* the lease is from before the sleep */
	proof_is(&l, l.s.generation, 60);
	simple(&l, CLASSIFY_RESUME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_true(l.s.closes);
	calm(&l);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void a_renewal_with_the_same_facts_changes_nothing(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	take_lease(&l, "fritz.box");
	link_is(&l, true);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_renewal_with_other_facts_is_an_event(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	take_lease(&l, "hotel.example");
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

/* Two networks can look alike: 192.168.0.1 is a router everywhere. */
static void the_same_lease_from_another_server_is_an_event(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	c.dhcp4.server_mac[5] = 9;
	claim(&l, &c);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void another_device_of_the_same_name_and_index_is_another_link(void **state)
{
	struct classify_fact f = { .kind = CLASSIFY_LINK,
				   .link = { .ifname = "up0",
					     .ifindex = IFINDEX,
					     .carrier = true,
					     .mac = { 2, 0, 0, 0, 0, 2 } } };
	uint32_t generation;
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	generation = l.s.generation;
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_int_not_equal(l.s.generation, generation);
}

static void the_address_of_the_lease_is_no_event_another_is(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	address_is(&l, CLASSIFY_ADDRESS, OWN_ADDRESS, true);
	address_is(&l, CLASSIFY_GATEWAY, 0x0100a8c0, true);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	address_is(&l, CLASSIFY_ADDRESS, 0x0100000a, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN); /* the exchange that was seen is not of this */
}

static void the_loss_of_the_lease_address_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	address_is(&l, CLASSIFY_ADDRESS, OWN_ADDRESS, true);
	address_is(&l, CLASSIFY_ADDRESS, OWN_ADDRESS, false);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_lease_that_is_refused_closes(void **state)
{
	struct msg_claim nak = ack("fritz.box");
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	nak.dhcp4.message_type = 6;
	nak.dhcp4.your_addr = 0;
	claim(&l, &nak);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* The switch put the port into another VLAN: the carrier stayed. */
static void a_renewal_into_another_subnet_is_unknown_first(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	c.dhcp4.your_addr = 0x0501a8c0;
	c.dhcp4.router = 0x0101a8c0;
	claim(&l, &c);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_sign_outweighs_the_event_that_it_came_by(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	take_lease(&l, "corp.example");
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void a_gateway_that_answers_with_another_mac_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	gateway_answers(&l, 0x0100a8c0, 1);
	gateway_answers(&l, 0x0100a8c0, 1);
	gateway_answers(&l, 0x0900a8c0, 2); /* no router of ours */
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	gateway_answers(&l, 0x0100a8c0, 2);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void another_gateway_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	address_is(&l, CLASSIFY_GATEWAY, 0x0200a8c0, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_new_ipv6_network_closes_a_further_address_does_not(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	address6_is(&l, 1, 1, true);
	become_foreign(&l);
	address6_is(&l, 1, 2, true);
	address6_is(&l, 1, 1, true);
	address6_is(&l, 1, 1, false);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	address6_is(&l, 2, 1, true);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void the_end_of_a_lease_closes(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	beats(&l, 3600 * 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void new_rules_are_held_against_the_lease_that_stands(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	memcpy(l.rules.suffix[1], "box", sizeof("box"));
	l.rules.n_suffixes = 2;
	simple(&l, CLASSIFY_RULES);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

static void a_link_without_carrier_is_unknown(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	link_is(&l, false);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* Carrier lost and back before the kernel told anybody: perhaps another network. */
static void a_carrier_that_was_lost_between_is_unknown(void **state)
{
	struct classify_fact f = { .kind = CLASSIFY_LINK };
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	f.link = l.s.link;
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
	f.link.n_losses++;
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void time_that_runs_backwards_opens_nothing(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	proof_is(&l, l.s.generation, 10);
	l.now += 10000;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	l.now -= 10000;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.now_boot_ms, START_MS + 10000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_verified_announcement_suspects_until_the_link_changes),
		cmocka_unit_test(an_unchecked_announcement_says_nothing),
		cmocka_unit_test(a_proof_proves_and_its_end_leaves_suspect),
		cmocka_unit_test(no_proof_lasts_longer_than_a_minute),
		cmocka_unit_test(a_proof_of_the_link_before_is_void),
		cmocka_unit_test(a_proof_that_was_ordered_before_a_sleep_is_void),
		cmocka_unit_test(a_resume_ends_proof_and_absence_but_no_sign),
		cmocka_unit_test(a_renewal_with_the_same_facts_changes_nothing),
		cmocka_unit_test(a_renewal_with_other_facts_is_an_event),
		cmocka_unit_test(the_same_lease_from_another_server_is_an_event),
		cmocka_unit_test(another_device_of_the_same_name_and_index_is_another_link),
		cmocka_unit_test(the_address_of_the_lease_is_no_event_another_is),
		cmocka_unit_test(the_loss_of_the_lease_address_closes),
		cmocka_unit_test(a_lease_that_is_refused_closes),
		cmocka_unit_test(a_renewal_into_another_subnet_is_unknown_first),
		cmocka_unit_test(a_sign_outweighs_the_event_that_it_came_by),
		cmocka_unit_test(a_gateway_that_answers_with_another_mac_closes),
		cmocka_unit_test(another_gateway_closes),
		cmocka_unit_test(a_new_ipv6_network_closes_a_further_address_does_not),
		cmocka_unit_test(the_end_of_a_lease_closes),
		cmocka_unit_test(new_rules_are_held_against_the_lease_that_stands),
		cmocka_unit_test(a_link_without_carrier_is_unknown),
		cmocka_unit_test(a_carrier_that_was_lost_between_is_unknown),
		cmocka_unit_test(time_that_runs_backwards_opens_nothing),
	};

	return cmocka_run_group_tests_name("classify_events", tests, NULL, NULL);
}
