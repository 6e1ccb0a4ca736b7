#include "tests/unit/classify_lab.h"

static void unknown_until_a_whole_window_is_attested(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beat(&l);
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void the_clock_alone_attests_nothing(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	l.now += 2000; /* within the gap that is tolerated, past the window */
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void no_dhcp_no_foreign(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	beats(&l, 5 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_neighbours_lease_is_not_ours(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	c.dhcp4.client_mac[5] ^= 1;
	claim(&l, &c);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void an_offer_is_no_exchange(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	c.dhcp4.message_type = 2;
	claim(&l, &c);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_dropped_frame_starts_the_window_anew(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "fritz.box");
	beats(&l, WINDOW_MS - 1000);
	l.n_dropped++;
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_drop_closes_a_foreign_network(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	l.n_dropped++;
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_late_sniff_closes_a_foreign_network(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	assert_true(classify_settled(&l.s));
	assert_int_equal(classify_wake(&l.s, &l.rules), l.now + CLASSIFY_SETTLED_GAP_MS + 1);
	l.now += CLASSIFY_SETTLED_GAP_MS + 1;
	simple(&l, CLASSIFY_TIME);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beat(&l);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN); /* the silence in between was not attested */
}

static void a_dead_sniff_closes_a_foreign_network_at_once(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	simple(&l, CLASSIFY_SNIFF_GONE);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_sniff_that_counts_backwards_was_replaced(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.n_frames = 10;
	become_foreign(&l);
	l.n_frames = 9;
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_heartbeat_of_the_link_before_attests_nothing(void **state)
{
	struct msg_claim c = { .kind = SIGN_ALIVE, .ifindex = IFINDEX };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	c.at_boot_ms = l.now - 1;
	(void)step(&l, &f);
	assert_false(l.s.alive);
	c.at_boot_ms = l.now;
	(void)step(&l, &f);
	assert_true(l.s.alive);
}

/* sniff is the process that hostile frames may take over. */
static void a_heartbeat_from_the_future_attests_no_time(void **state)
{
	struct msg_claim c = { .kind = SIGN_ALIVE, .ifindex = IFINDEX };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "fritz.box");
	c.at_boot_ms = l.now + 2 * WINDOW_MS;
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	assert_false(l.s.alive);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_liar_closes_a_foreign_network(void **state)
{
	struct msg_claim c = { .kind = SIGN_ALIVE, .ifindex = IFINDEX };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	c.at_boot_ms = l.now + 1;
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

static void a_heartbeat_of_another_link_attests_nothing(void **state)
{
	struct msg_claim c = { .kind = SIGN_ALIVE, .ifindex = IFINDEX + 1 };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	c.at_boot_ms = l.now;
	(void)step(&l, &f);
	assert_false(l.s.alive);
}

static void drops_that_count_backwards_start_the_window_anew(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	l.n_dropped = 5;
	become_foreign(&l);
	l.n_dropped = 4;
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

/* The cable comes between two heartbeats: what is between them was heard, and no more. */
static void an_unbroken_run_attests_the_link_from_its_start(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	l.now += 600;
	link_is(&l, false);
	link_is(&l, true);
	take_lease(&l, "fritz.box");
	l.now += 400;
	beat(&l);
	assert_int_equal(l.s.alive_since_boot_ms, START_MS + 600);
	beats(&l, WINDOW_MS - 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_run_that_broke_while_the_cable_was_out_attests_nothing(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	l.now += 600;
	link_is(&l, false);
	link_is(&l, true);
	l.n_dropped++;
	l.now += 400;
	beat(&l);
	assert_int_equal(l.s.alive_since_boot_ms, START_MS + 1000);
	link_is(&l, false);
	link_is(&l, true);
	l.now += l.rules.alive_gap_ms + 1;
	beat(&l);
	assert_int_equal(l.s.alive_since_boot_ms, l.now);
	link_is(&l, false);
	simple(&l, CLASSIFY_SNIFF_GONE);
	link_is(&l, true);
	l.now += 400;
	beat(&l);
	assert_int_equal(l.s.alive_since_boot_ms, l.now);
}

static void a_lease_of_the_link_before_is_none(void **state)
{
	struct msg_claim c = ack("fritz.box");
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	c.ifindex = IFINDEX;
	c.at_boot_ms = l.now - 1;
	(void)step(&l, &f);
	assert_false(l.s.seen.dhcp_done);
	c.at_boot_ms = l.now;
	(void)step(&l, &f);
	assert_true(l.s.seen.dhcp_done);
}

static void a_claim_of_another_link_is_ignored(void **state)
{
	struct msg_claim c = { .kind = SIGN_LLDP, .ifindex = IFINDEX + 1 };
	struct classify_fact f = { .kind = CLASSIFY_CLAIM, .claim = &c };
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	(void)step(&l, &f);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void lldp_suspects_at_once_and_says_who(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	hear_lldp(&l);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	classify_explain(&l.s, &l.rules, &why);
	assert_int_equal(why.kind, SIGN_LLDP);
	assert_string_equal(why.source, "sw1");
	assert_int_equal(why.wait, CLASSIFY_WAIT_SIGN);
	assert_int_equal(why.sign_left_ms, 180000);
}

static void a_company_domain_suspects(void **state)
{
	struct classify_why why;
	struct lab l;

	(void)state;
	begin(&l);
	beat(&l);
	take_lease(&l, "berlin.CORP.example");
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 2 * WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	classify_explain(&l.s, &l.rules, &why);
	assert_string_equal(why.source, "domain berlin.CORP.example");
	assert_int_equal(why.sign_left_ms, UINT32_MAX);
}

static void an_aged_neighbour_needs_a_whole_window_again(void **state)
{
	struct lab l;

	(void)state;
	begin(&l);
	become_foreign(&l);
	hear_lldp(&l);
	beats(&l, 179000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
	beats(&l, WINDOW_MS);
	assert_int_equal(l.s.zone, ZONE_FOREIGN);
}

static void a_neighbour_that_says_goodbye_is_not_forgotten(void **state)
{
	struct msg_claim hello = { .kind = SIGN_LLDP, .lldp = { .system = "sw1", .ttl_s = 600 } };
	struct msg_claim bye = { .kind = SIGN_LLDP, .lldp = { .system = "sw1", .ttl_s = 0 } };
	struct lab l;

	(void)state;
	begin(&l);
	claim(&l, &hello);
	l.now += 1000;
	claim(&l, &bye);
	beats(&l, 598000);
	assert_int_equal(l.s.zone, ZONE_SUSPECT);
	beats(&l, 1000);
	assert_int_equal(l.s.zone, ZONE_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(unknown_until_a_whole_window_is_attested),
		cmocka_unit_test(the_clock_alone_attests_nothing),
		cmocka_unit_test(no_dhcp_no_foreign),
		cmocka_unit_test(a_neighbours_lease_is_not_ours),
		cmocka_unit_test(an_offer_is_no_exchange),
		cmocka_unit_test(a_dropped_frame_starts_the_window_anew),
		cmocka_unit_test(a_drop_closes_a_foreign_network),
		cmocka_unit_test(a_late_sniff_closes_a_foreign_network),
		cmocka_unit_test(a_dead_sniff_closes_a_foreign_network_at_once),
		cmocka_unit_test(a_sniff_that_counts_backwards_was_replaced),
		cmocka_unit_test(a_heartbeat_of_the_link_before_attests_nothing),
		cmocka_unit_test(a_heartbeat_from_the_future_attests_no_time),
		cmocka_unit_test(a_liar_closes_a_foreign_network),
		cmocka_unit_test(a_heartbeat_of_another_link_attests_nothing),
		cmocka_unit_test(drops_that_count_backwards_start_the_window_anew),
		cmocka_unit_test(an_unbroken_run_attests_the_link_from_its_start),
		cmocka_unit_test(a_run_that_broke_while_the_cable_was_out_attests_nothing),
		cmocka_unit_test(a_lease_of_the_link_before_is_none),
		cmocka_unit_test(a_claim_of_another_link_is_ignored),
		cmocka_unit_test(lldp_suspects_at_once_and_says_who),
		cmocka_unit_test(a_company_domain_suspects),
		cmocka_unit_test(an_aged_neighbour_needs_a_whole_window_again),
		cmocka_unit_test(a_neighbour_that_says_goodbye_is_not_forgotten),
	};

	return cmocka_run_group_tests_name("classify", tests, NULL, NULL);
}
