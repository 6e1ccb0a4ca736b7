#include "tests/unit/ruleset_lab.h"

static void replaces_all_tables_in_one_text(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r);

	(void)state;
	assert_ptr_equal(strstr(t, "flush ruleset\n"), t);
	assert_before(t, "flush ruleset\n", "table inet bulkhead {");
	assert_before(t, "flush ruleset\n", "table netdev bulkhead {");
}

static void every_filter_chain_drops_by_policy(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r);

	(void)state;
	/* forward, input, output, and an egress chain for each uplink */
	assert_int_equal(count(t, "policy drop;"), 5);
	/* these judge sources, track and rewrite addresses; they let nothing in by themselves */
	assert_int_equal(count(t, "policy accept;"), 3);
	assert_non_null(strstr(chain(t, "source"), "policy accept;"));
	assert_non_null(strstr(chain(t, "output_raw"), "policy accept;"));
	assert_non_null(strstr(chain(t, "nat"), "policy accept;"));
}

/* Whatever becomes of the sample: the rule after it drops, and asks nothing. */
static void a_drop_depends_on_no_limit_and_no_log(void **state)
{
	static const char *const whats[] = { "blocked",	  "spoofed", "crowded",
					     "corporate", "leak",    "stale" };
	struct ruleset r = two_uplinks();
	const char *t = build(&r);

	(void)state;
	assert_int_equal(count(t, " log "), 6);
	assert_int_equal(count(t, "limit rate 5/second burst 10 packets log prefix \"bh:"), 6);
	for (size_t i = 0; i < sizeof(whats) / sizeof(whats[0]); i++) {
		const char *body = chain(t, whats[i]);
		char drop[64];

		assert_int_equal(count(body, "\n"), 2);
		assert_int_equal(count(body, "drop"), 1);
		(void)snprintf(drop, sizeof(drop), "\n\t\tcounter name %s drop", whats[i]);
		assert_string_equal(body + strlen(body) - strlen(drop), drop);
		/* nobody out there writes our audit log */
		assert_int_equal(count(body, "if != @uplinks limit"), i < 4);
	}
}

static void what_opens_is_empty(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r);

	(void)state;
	assert_non_null(strstr(t, "\tchain clock { }\n"));
	assert_int_equal(count(t, "elements"), 1); /* the uplinks' names */
	assert_int_equal(count(t, "@grant"), 2);
	assert_int_equal(count(chain(t, "dispatch"), "@grant"), 2);
}

static void nothing_established_passes_without_a_dispatch(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r), *forward = chain(t, "forward"), *dispatch;

	(void)state;
	assert_null(strstr(forward, "accept"));
	assert_null(strstr(forward, "established"));
	assert_int_equal(count(forward, "jump clock"), 1);
	/* the short way is one of a direction, two links and a mark; beside it names alone, of a port to its
	 * own address and of a resolver, which leaves without the epoch */
	dispatch = chain(t, "dispatch");
	assert_int_equal(count(dispatch, "accept"), 3);
	assert_int_equal(count(dispatch, "\t\toif 0 iifname @dns_port accept\n"), 1);
	assert_int_equal(count(dispatch, "oifname . oif @uplinks meta mark set 0 accept"), 1);
	assert_non_null(strstr(dispatch, "ct state established ct direction . iif . oif . ct mark "
					 "@alive accept\n"));
	/* no grant is looked up but to or from an uplink: that link, under that name */
	assert_int_equal(count(dispatch, "oifname . oif @uplinks iifname . oifname vmap @grant"),
			 1);
	assert_int_equal(count(dispatch, "iifname . iif @uplinks iifname . oifname vmap @grant"),
			 1);
	assert_non_null(strstr(t, "{ \"en0\" . 3, \"wl0.1\" . 7 }"));
}

static void dhcp_and_the_beacon_are_dropped_before_a_grant(void **state)
{
	struct ruleset r = two_uplinks();
	const char *dispatch = chain(build(&r), "dispatch");

	(void)state;
	assert_before(dispatch, "udp dport { 67, 68, 546, 547, 6262 } goto blocked", "@grant");
	assert_before(dispatch, "udp sport { 67, 68, 546, 547, 6262 } goto blocked", "@grant");
}

static void options_are_dropped_before_the_short_way(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r), *forward = chain(t, "forward");

	(void)state;
	assert_before(forward, "@nh,0,8 != 0x45 jump headers", "jump clock");
	assert_int_equal(count(chain(t, "headers"), "goto blocked"), 4);
}

static void vpn_holds_each_packet_against_the_endpoints(void **state)
{
	struct ruleset r = two_uplinks();
	const char *t = build(&r), *vpn = chain(t, "vpn"), *way;

	(void)state;
	assert_int_equal(count(vpn, "accept\n"), 2); /* errors about flows of this pair */
	assert_int_equal(count(vpn, "ct state related iifname . oifname . ct mark @pair_ok accept"),
			 2);
	assert_int_equal(count(vpn, "@vpn"), 4);
	assert_int_equal(count(vpn, "goto vpn_flow"), 4);
	assert_int_equal(count(vpn, "daddr"), 4);
	way = chain(t, "back_vpn");
	assert_int_equal(count(way, "accept\n"), 0);
	assert_int_equal(count(way, "goto back\n"), 6);
	assert_int_equal(count(way, "ct state related goto back"), 2);
	assert_int_equal(count(way, "saddr"), 4);
	assert_int_equal(count(way, "daddr"), 0);
}

static void a_portal_is_web_pages_less_the_company(void **state)
{
	struct ruleset r = two_uplinks();
	const char *portal = chain(build(&r), "portal");

	(void)state;
	assert_non_null(strstr(portal, "meta l4proto 6 th dport { 80, 443 } "
				       "goto open_less_corporate"));
	assert_int_equal(count(portal, "goto"), 2);
	assert_int_equal(count(portal, "\t\tgoto blocked"), 1);
	assert_int_equal(count(portal, "accept\n"), 0);
}

static void back_needs_direction_and_mark(void **state)
{
	struct ruleset r = two_uplinks();
	const char *back = chain(build(&r), "back");

	(void)state;
	assert_int_equal(count(back, " accept\n"), 1);
	assert_non_null(strstr(back, "ct state established,related ct direction reply "
				     "oifname . iifname . ct mark @pair_ok accept"));
}

static void corporate_prefixes_are_cut_before_open(void **state)
{
	struct ruleset r = two_uplinks();
	const char *less = chain(build(&r), "open_less_corporate");

	(void)state;
	assert_before(less, "ip daddr @corporate4 goto corporate", "goto open");
	assert_before(less, "ip6 daddr @corporate6 goto corporate", "goto open");
}

static void classes_hide_behind_ranges_of_their_own(void **state)
{
	struct ruleset r = two_uplinks();
	const char *nat = chain(build(&r), "nat");
	char mark[32];

	(void)state;
	for (uint32_t c = 0; c < N_NET_CLASSES; c++) {
		(void)snprintf(mark, sizeof(mark), "== 0x%08x meta", (c + 1) << PAIRS_CLASS_SHIFT);
		assert_int_equal(count(nat, mark), 1);
	}
	assert_non_null(strstr(nat, "masquerade to :20000-39999 random"));
	assert_non_null(strstr(nat, "masquerade to :40000-59999 random"));
}

static void names_of_the_header_are_those_of_the_text(void **state)
{
	static const char *const names[] = {
		"map " RULESET_GRANT " {",	"map " RULESET_PAIR_MARK " {",
		"set " RULESET_PAIR_OK " {",	"set " RULESET_CORPORATE4 " {",
		"set " RULESET_CORPORATE6 " {", "chain " RULESET_CLOCK " {",
		"chain " RULESET_DISPATCH " {", "set " RULESET_EPOCH " {",
		"chain " RULESET_OPEN " {",	"chain " RULESET_OPEN_LESS " {",
		"chain " RULESET_BACK " {",	"chain " RULESET_EGRESS "0 {",
		"chain " RULESET_VPN " {",	"chain " RULESET_BACK_VPN " {",
		"chain " RULESET_PORTAL " {",	"set " RULESET_VPN4 " {",
		"set " RULESET_VPN6 " {",	"set " RULESET_VPN_ESP4 " {",
		"set " RULESET_VPN_ESP6 " {",	"set " RULESET_TUNNEL4 " {",
		"set " RULESET_TUNNEL6 " {",
	};
	struct ruleset r = two_uplinks();
	const char *t = build(&r);

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_int_equal(count(t, names[i]), 1);
}

static void without_uplinks_there_is_still_a_closed_table(void **state)
{
	struct ruleset r = { .uid_prove = 64005,
			     .uid_ports = 64011,
			     .uid_dns = { 64012, 64013 },
			     .flows_per_port = RULESET_FLOWS_MIN };
	const char *t = build(&r);

	(void)state;
	assert_int_equal(count(t, "policy drop;"), 3);
	assert_non_null(strstr(t, "set uplinks { type ifname . iface_index; }"));
}

static void eight_uplinks_take_less_than_half_of_the_room(void **state)
{
	struct ruleset r = two_uplinks();

	(void)state;
	r.n_uplinks = MSG_UPLINKS;
	for (unsigned i = 0; i < MSG_UPLINKS; i++) {
		(void)snprintf(r.uplink[i], MSG_IFNAME_BYTES, "averylongname%u", i);
		r.ifindex[i] = UINT32_MAX - i;
	}
	assert_true(strlen(build(&r)) < RULESET_TEXT_BYTES / 4 * 3);
}

static void refuses_names_that_could_be_read_as_rules(void **state)
{
	static const char *const bad[] = { "", "a\"; }", "a b", "a\n", "a/b", "*", "\xc3\xa9" };
	struct ruleset r = two_uplinks();

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memset(r.uplink[1], 0, MSG_IFNAME_BYTES);
		memcpy(r.uplink[1], bad[i], strlen(bad[i]));
		assert_int_equal(ruleset_build(&r, text, sizeof(text)), -EINVAL);
	}
	memset(r.uplink[1], 'a', MSG_IFNAME_BYTES); /* no end */
	assert_int_equal(ruleset_build(&r, text, sizeof(text)), -EINVAL);
	memcpy(r.uplink[1], r.uplink[0], MSG_IFNAME_BYTES); /* twice */
	assert_int_equal(ruleset_build(&r, text, sizeof(text)), -EINVAL);
}

static void refuses_numbers_that_would_open(void **state)
{
	struct ruleset root = two_uplinks(), many = two_uplinks(), few = two_uplinks();
	struct ruleset none = two_uplinks();

	(void)state;
	none.ifindex[1] = 0;
	assert_int_equal(ruleset_build(&none, text, sizeof(text)), -EINVAL);
	root.uid_prove = 0;
	many.n_uplinks = MSG_UPLINKS + 1;
	few.flows_per_port = RULESET_FLOWS_MIN - 1;
	assert_int_equal(ruleset_build(&root, text, sizeof(text)), -EINVAL);
	assert_int_equal(ruleset_build(&many, text, sizeof(text)), -EINVAL);
	assert_int_equal(ruleset_build(&few, text, sizeof(text)), -EINVAL);
}

static void says_when_the_room_is_too_small(void **state)
{
	struct ruleset r = two_uplinks();
	size_t need = strlen(build(&r)) + 1;

	(void)state;
	assert_int_equal(ruleset_build(&r, text, need), 0);
	for (size_t n = 1; n < need; n += 97)
		assert_int_equal(ruleset_build(&r, text, n), -ENOSPC);
	assert_int_equal(ruleset_build(&r, text, need - 1), -ENOSPC);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replaces_all_tables_in_one_text),
		cmocka_unit_test(every_filter_chain_drops_by_policy),
		cmocka_unit_test(a_drop_depends_on_no_limit_and_no_log),
		cmocka_unit_test(what_opens_is_empty),
		cmocka_unit_test(nothing_established_passes_without_a_dispatch),
		cmocka_unit_test(dhcp_and_the_beacon_are_dropped_before_a_grant),
		cmocka_unit_test(options_are_dropped_before_the_short_way),
		cmocka_unit_test(vpn_holds_each_packet_against_the_endpoints),
		cmocka_unit_test(a_portal_is_web_pages_less_the_company),
		cmocka_unit_test(back_needs_direction_and_mark),
		cmocka_unit_test(corporate_prefixes_are_cut_before_open),
		cmocka_unit_test(classes_hide_behind_ranges_of_their_own),
		cmocka_unit_test(names_of_the_header_are_those_of_the_text),
		cmocka_unit_test(without_uplinks_there_is_still_a_closed_table),
		cmocka_unit_test(eight_uplinks_take_less_than_half_of_the_room),
		cmocka_unit_test(refuses_names_that_could_be_read_as_rules),
		cmocka_unit_test(refuses_numbers_that_would_open),
		cmocka_unit_test(says_when_the_room_is_too_small),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
