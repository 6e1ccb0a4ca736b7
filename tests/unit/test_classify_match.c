#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "netguard/classify_match.h"

static void add_prefix(struct classify_rules *r, uint32_t family, const char *address,
		       size_t address_bytes, uint32_t len_bits)
{
	struct msg_prefix *p = &r->prefix[r->n_prefixes++];

	*p = (struct msg_prefix){ .family = family, .len_bits = len_bits };
	memcpy(p->address, address, address_bytes);
}

/* Rules under which nothing counts but what a test adds: fd77::/48 and corp.example. */
static void bare_rules(struct classify_rules *r)
{
	classify_rules_init(r);
	r->any_kinds = 0;
	add_prefix(r, AF_INET6, "\xfd\x77\0\0\0\0", 6, 48);
	memcpy(r->suffix[r->n_suffixes++], "corp.example", sizeof("corp.example"));
}

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

static void a_cdp_neighbour_counts_by_device_or_by_kind(void **state)
{
	struct msg_claim c = { .kind = SIGN_CDP, .cdp = { .device = "SW1.corp", .port = "Gi0/1" } };
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "SW1.corp port Gi0/1");
	r.any_kinds = 0;
	assert_false(classify_match(&r, &c, source));
	r.n_neighbours = 1;
	memcpy(r.neighbour[0], "sw1.*", 6);
	assert_true(classify_match(&r, &c, source));
	memset(c.cdp.device, 'x', sizeof(c.cdp.device) - 1);
	r.any_kinds = 1u << SIGN_CDP;
	assert_true(classify_match(&r, &c, source));
	assert_true(msg_text_ok(source, sizeof(source)));
}

static bool match_ra(const struct classify_rules *r, const struct msg_ra *ra,
		     char source[MSG_NAME_BYTES])
{
	struct msg_claim c = { .kind = SIGN_RA, .ra = *ra };

	return classify_match(r, &c, source);
}

static void an_advertisement_counts_by_what_it_names(void **state)
{
	struct msg_ra ra = {
		.n_prefixes = 2, .n_resolvers = 1, .search = "lan", .pvd = "isp.example"
	};
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	bare_rules(&r);
	ra.prefix[0].len_bits = ra.prefix[1].len_bits = 64;
	ra.prefix[0].address[0] = ra.prefix[1].address[0] = ra.resolver[0][0] = 0xfd;
	assert_false(match_ra(&r, &ra, source));
	ra.prefix[1].address[1] = 0x77;
	ra.prefix[1].address[7] = 9;
	assert_true(match_ra(&r, &ra, source));
	assert_string_equal(source, "prefix fd77:0:0:9::/64");
	ra.prefix[1].len_bits = 8; /* it holds the company's */
	assert_true(match_ra(&r, &ra, source));
	ra.n_prefixes = 1;
	assert_false(match_ra(&r, &ra, source));
	ra.resolver[0][1] = 0x77;
	assert_true(match_ra(&r, &ra, source));
	assert_string_equal(source, "resolver fd77::");
	ra.n_resolvers = 0;
	memcpy(ra.search, "lan x.corp.example", 19);
	assert_true(match_ra(&r, &ra, source));
	assert_string_equal(source, "domain x.corp.example");
	ra.search[0] = '\0';
	memcpy(ra.pvd, "pvd.corp.example", 17);
	assert_true(match_ra(&r, &ra, source));
	assert_string_equal(source, "PvD pvd.corp.example");
	r.ra = false;
	assert_false(match_ra(&r, &ra, source));
	r.ra = true;
	ra.pvd[0] = '\0';
	assert_false(match_ra(&r, &ra, source));
	ra.cut = 1; /* what could not be read may be the sign */
	assert_true(match_ra(&r, &ra, source));
}

static void a_dhcpv6_server_counts_by_what_it_says(void **state)
{
	struct msg_claim c = { .kind = SIGN_DHCP6,
			       .dhcp6 = { .n_addresses = 2, .n_resolvers = 2 } };
	struct msg_dhcp6 *d = &c.dhcp6;
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	bare_rules(&r);
	assert_false(classify_match(&r, &c, source));
	memcpy(d->address[1], "\xfd\x77\0\0\0\0\0\1", 8);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "address fd77:0:0:1::");
	d->n_addresses = 1;
	memcpy(d->resolver[1], "\xfd\x77", 2);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "resolver fd77::");
	r.address = false;
	assert_false(classify_match(&r, &c, source));
	memcpy(d->search, "corp.example", 13);
	assert_true(classify_match(&r, &c, source));
	r.dhcp_domain = false;
	assert_false(classify_match(&r, &c, source));
	d->has_vendor = 1;
	assert_false(classify_match(&r, &c, source));
	r.dhcp_vendor = true;
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "vendor option");
	d->has_vendor = 0;
	d->cut = 1;
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "unreadable option");
}

static void a_router_counts_by_its_address_not_by_its_mac(void **state)
{
	struct msg_claim c = { .kind = SIGN_GATEWAY,
			       .gateway = { .family = AF_INET6, .mac = { 2 } } };
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	bare_rules(&r);
	r.any_kinds = UINT32_MAX;
	assert_false(classify_match(&r, &c, source));
	memcpy(c.gateway.address, "\xfd\x77", 2);
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "router fd77::");
	c.gateway.family = AF_INET;
	assert_false(classify_match(&r, &c, source));
}

static void only_the_networks_side_of_eapol_counts(void **state)
{
	struct msg_claim c = { .kind = SIGN_EAPOL,
			       .eapol = { .eap_code = 1, .eap_type = 1, .identity = "hello" } };
	struct classify_rules r;
	char source[MSG_NAME_BYTES];

	(void)state;
	classify_rules_init(&r);
	assert_false(classify_match(&r, &c, source));
	r.any_kinds = 1u << SIGN_EAPOL | 1u << SIGN_VLAN;
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "request hello");
	c.eapol = (struct msg_eapol){ .eap_code = 2, .eap_type = 1 };
	assert_false(classify_match(&r, &c, source)); /* a supplicant's answer */
	c.eapol = (struct msg_eapol){ .packet_type = 1 };
	assert_false(classify_match(&r, &c, source)); /* its start */
	c.eapol.packet_type = 3;
	assert_false(classify_match(&r, &c, source)); /* WPA2's keys */
	c.eapol.packet_type = 5;
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "MACsec key agreement");
	c = (struct msg_claim){ .kind = SIGN_VLAN, .vlan = { .vlan_id = 4094 } };
	assert_true(classify_match(&r, &c, source));
	assert_string_equal(source, "tag 4094");
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
		cmocka_unit_test(a_cdp_neighbour_counts_by_device_or_by_kind),
		cmocka_unit_test(an_advertisement_counts_by_what_it_names),
		cmocka_unit_test(a_dhcpv6_server_counts_by_what_it_says),
		cmocka_unit_test(a_router_counts_by_its_address_not_by_its_mac),
		cmocka_unit_test(only_the_networks_side_of_eapol_counts),
		cmocka_unit_test(heartbeats_and_unchecked_beacons_never_match),
	};

	return cmocka_run_group_tests_name("classify_match", tests, NULL, NULL);
}
