#include "tests/unit/match_lab.h"

static struct msg_claim offer(const char *domain, const char *search)
{
	struct msg_claim c = { .kind = SIGN_DHCP4, .dhcp4 = { .message_type = 2 } };

	memcpy(c.dhcp4.domain, domain, strlen(domain));
	memcpy(c.dhcp4.search, search, strlen(search));
	return c;
}

static bool match_domain(const char *suffix, const char *domain, const char *search)
{
	struct msg_claim c = offer(domain, search);
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	classify_rules_init(&r);
	memcpy(r.suffix[0], suffix, strlen(suffix));
	r.n_suffixes = 1;
	return classify_match(&r, &c, source);
}

static void a_suffix_holds_for_itself_and_below(void **state)
{
	(void)state;
	assert_true(match_domain("corp.example", "corp.example", ""));
	assert_true(match_domain("corp.example", "a.b.Corp.Example.", ""));
	assert_true(match_domain(".corp.example.", "corp.example", ""));
	assert_false(match_domain("corp.example", "notcorp.example", ""));
	assert_false(match_domain("corp.example", "example", ""));
	assert_false(match_domain("corp.example", "corp.example.org", ""));
	assert_false(match_domain("", "corp.example", ""));
	assert_false(match_domain(".", "corp.example", ""));
}

static void any_name_of_the_search_list_may_match(void **state)
{
	(void)state;
	assert_true(match_domain("corp.example", "", "home.arpa corp.example"));
	assert_true(match_domain("corp.example", "lan", "x.corp.example home.arpa"));
	assert_false(match_domain("corp.example", "lan", "home.arpa"));
}

static void a_search_list_that_was_cut_is_a_sign(void **state)
{
	struct msg_claim c = offer("", "");
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	assert_false(classify_match(&r, &c, source));
	c.dhcp4.search_cut = 1;
	assert_true(classify_match(&r, &c, source));
}

static void only_what_a_server_says_matches(void **state)
{
	struct msg_claim c = offer("corp.example", "");
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	memcpy(r.suffix[0], "corp.example", 12);
	r.n_suffixes = 1;
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "domain corp.example");
	c.dhcp4.message_type = 1;
	assert_false(classify_match(&r, &c, source));
}

static void options_count_as_the_rules_say(void **state)
{
	struct msg_claim c = offer("", "");
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	c.dhcp4.has_vendor = 1;
	assert_false(classify_match(&r, &c, source));
	r.dhcp_vendor = true;
	assert_true(classify_match(&r, &c, source));
	c.dhcp4.has_vendor = 0;
	c.dhcp4.has_private = 1;
	assert_true(classify_match(&r, &c, source));
	r.dhcp_private = false;
	assert_false(classify_match(&r, &c, source));
}

static void an_address_inside_a_prefix_is_a_sign(void **state)
{
	struct msg_claim c = offer("", "");
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	add_prefix(&r, AF_INET, "\x0a\x14\x10\x00", 4, 20); /* 10.20.16.0/20 */
	c.dhcp4.n_dns = 1;
	memcpy(&c.dhcp4.dns[0], "\x0a\x14\x1f\xff", 4);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "resolver 10.20.31.255");
	memcpy(&c.dhcp4.dns[0], "\x0a\x14\x20\x00", 4);
	assert_false(classify_match(&r, &c, source));
	memcpy(&c.dhcp4.router, "\x0a\x14\x10\x01", 4);
	assert_true(classify_match(&r, &c, source));
	memset(&c.dhcp4.router, 0, 4);
	memcpy(&c.dhcp4.server_id, "\x0a\x14\x10\x02", 4);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "server 10.20.16.2");
	c.dhcp4.message_type = 6; /* a refusal comes from a server, too */
	assert_true(classify_match(&r, &c, source));
	r.address = false;
	assert_false(classify_match(&r, &c, source));
	r.address = true;
	r.prefix[0].len_bits = 33;
	assert_false(classify_match(&r, &c, source));
}

static void each_of_the_resolvers_counts(void **state)
{
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	add_prefix(&r, AF_INET, "\x0a\0\0\0", 4, 8);
	for (unsigned i = 0; i < 4; i++) {
		struct msg_claim c = offer("", "");

		c.dhcp4.n_dns = 4;
		memset(c.dhcp4.dns, 9, sizeof(c.dhcp4.dns)); /* 9.9.9.9 */
		assert_false(classify_match(&r, &c, source));
		memcpy(&c.dhcp4.dns[i], "\x0a\0\0\x35", 4);
		assert_true(classify_match(&r, &c, source));
		assert_string_equal(source, "resolver 10.0.0.53");
	}
}

static void a_neighbour_counts_by_name_or_by_kind(void **state)
{
	struct msg_claim c = { .kind = SIGN_LLDP,
			       .lldp = { .system = "SW1.corp", .chassis = "x" } };
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "SW1.corp");
	r.any_kinds = 0;
	assert_false(classify_match(&r, &c, source));
	r.n_neighbours = 1;
	memcpy(r.neighbour[0], "sw*", 4);
	assert_true(classify_match(&r, &c, source));
	memcpy(r.neighbour[0], "sw1", 4);
	assert_false(classify_match(&r, &c, source));
	memcpy(r.neighbour[0], "X\0", 3);
	assert_true(classify_match(&r, &c, source));
}

static void any_domain_counts_where_the_rules_say_so(void **state)
{
	struct msg_claim c = offer("", "");
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	bare_rules(&r);
	r.any_kinds = 1u << SIGN_DHCP4 | 1u << SIGN_DHCP6;
	assert_false(classify_match(&r, &c, source));
	memcpy(c.dhcp4.search, "lan", 3);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "domain lan");
	c = (struct msg_claim){ .kind = SIGN_DHCP6, .dhcp6 = { .search = "lan" } };
	assert_true(classify_match(&r, &c, source));
	r.any_kinds = 0;
	assert_false(classify_match(&r, &c, source));
}

static void heartbeats_and_unchecked_beacons_never_match(void **state)
{
	struct msg_claim c = { .kind = SIGN_ALIVE };
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	r.any_kinds = UINT32_MAX;
	assert_false(classify_match(&r, &c, source));
	c.kind = SIGN_BEACON;
	assert_false(classify_match(&r, &c, source));
	c.kind = 77;
	assert_false(classify_match(&r, &c, source));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_suffix_holds_for_itself_and_below),
		cmocka_unit_test(any_name_of_the_search_list_may_match),
		cmocka_unit_test(a_search_list_that_was_cut_is_a_sign),
		cmocka_unit_test(only_what_a_server_says_matches),
		cmocka_unit_test(options_count_as_the_rules_say),
		cmocka_unit_test(an_address_inside_a_prefix_is_a_sign),
		cmocka_unit_test(each_of_the_resolvers_counts),
		cmocka_unit_test(a_neighbour_counts_by_name_or_by_kind),
		cmocka_unit_test(any_domain_counts_where_the_rules_say_so),
		cmocka_unit_test(heartbeats_and_unchecked_beacons_never_match),
	};

	return cmocka_run_group_tests_name("classify_match", tests, NULL, NULL);
}
