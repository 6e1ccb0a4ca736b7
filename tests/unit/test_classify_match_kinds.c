/* What of each kind of claim, DHCPv4 and LLDP apart, is a sign. */
#include "tests/unit/match_lab.h"

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

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_cdp_neighbour_counts_by_device_or_by_kind),
		cmocka_unit_test(an_advertisement_counts_by_what_it_names),
		cmocka_unit_test(a_dhcpv6_server_counts_by_what_it_says),
		cmocka_unit_test(a_router_counts_by_its_address_not_by_its_mac),
		cmocka_unit_test(only_the_networks_side_of_eapol_counts),
	};

	return cmocka_run_group_tests_name("classify_match_kinds", tests, NULL, NULL);
}
