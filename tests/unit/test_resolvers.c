#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/resolvers.h"

static const uint8_t own[6] = { 2, 0, 0, 0, 0, 1 };

static struct msg_claim ack(const char *const *addresses, uint32_t n)
{
	struct msg_claim c;

	memset(&c, 0, sizeof(c));
	c.kind = SIGN_DHCP4;
	c.dhcp4.message_type = 5;
	memcpy(c.dhcp4.client_mac, own, 6);
	c.dhcp4.n_dns = n;
	for (uint32_t i = 0; i < n && i < 4; i++)
		assert_int_equal(inet_pton(AF_INET, addresses[i], &c.dhcp4.dns[i]), 1);
	return c;
}

static struct msg_claim advert(const char *const *addresses, uint32_t n)
{
	struct msg_claim c;

	memset(&c, 0, sizeof(c));
	c.kind = SIGN_RA;
	c.ra.n_resolvers = n;
	for (uint32_t i = 0; i < n && i < MSG_RA_RESOLVERS; i++)
		assert_int_equal(inet_pton(AF_INET6, addresses[i], c.ra.resolver[i]), 1);
	return c;
}

static uint32_t n_of(const struct resolvers *r, const struct msg_prefix *prefix, uint32_t n)
{
	struct msg_dns dns;

	memset(&dns, 0, sizeof(dns));
	resolvers_add(r, "en0", prefix, n, &dns);
	return dns.n_resolvers;
}

static void keeps_what_each_source_said_last(void **state)
{
	struct resolvers r = { 0 };
	struct msg_claim first = ack((const char *[]){ "192.168.7.1", "9.9.9.9" }, 2);
	struct msg_claim ra = advert((const char *[]){ "fe80::1", "2001:db8::53" }, 2);
	struct msg_claim next = ack((const char *[]){ "192.168.8.1" }, 1);

	(void)state;
	assert_true(resolvers_claim(&r, &first, own));
	assert_true(resolvers_claim(&r, &ra, own));
	assert_false(resolvers_claim(&r, &ra, own));
	assert_int_equal(n_of(&r, NULL, 0), 4);
	assert_true(resolvers_claim(&r, &next, own));
	assert_int_equal(n_of(&r, NULL, 0), 3);
}

static void hears_only_answers_that_are_for_us(void **state)
{
	struct resolvers r = { 0 };
	struct msg_claim c = ack((const char *[]){ "192.168.7.1" }, 1);

	(void)state;
	c.dhcp4.client_mac[5] = 9;
	assert_false(resolvers_claim(&r, &c, own));
	c = ack((const char *[]){ "192.168.7.1" }, 1);
	c.dhcp4.message_type = 2; /* an offer */
	assert_false(resolvers_claim(&r, &c, own));
	c.kind = SIGN_LLDP;
	assert_false(resolvers_claim(&r, &c, own));
	assert_int_equal(n_of(&r, NULL, 0), 0);
}

/* Each would make a resolver ask its sibling, a client, itself, or many at once. */
static void takes_no_address_that_cannot_be_out_there(void **state)
{
	static const char *const bad4[] = { "0.0.0.0",	  "127.0.0.1",	"224.0.0.251",
					    "100.64.0.5", "100.64.0.6", "255.255.255.255",
					    "127.9.9.9",  "240.0.0.1" };
	static const char *const bad6[] = { "::",
					    "::1",
					    "ff02::fb",
					    "::ffff:100.64.0.5",
					    "::100.64.0.5",
					    "fd62:756c:6b00:1::1",
					    "fd62:756c:6b00::2" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad4) / sizeof(bad4[0]); i++) {
		struct resolvers r = { 0 };
		struct msg_claim c = ack(&bad4[i], 1);

		assert_false(resolvers_claim(&r, &c, own));
		assert_int_equal(n_of(&r, NULL, 0), 0);
	}
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		struct resolvers r = { 0 };
		struct msg_claim c = advert(&bad6[i], 1);

		assert_false(resolvers_claim(&r, &c, own));
		assert_int_equal(n_of(&r, NULL, 0), 0);
	}
}

static void leaves_out_those_behind_a_prefix(void **state)
{
	static const struct msg_prefix corporate[] = {
		{ .family = AF_INET, .len_bits = 16, .address = { 10, 77 } }
	};
	struct resolvers r = { 0 };
	struct msg_claim c = ack((const char *[]){ "10.77.0.1", "10.78.0.1" }, 2);
	struct msg_claim ra = advert((const char *[]){ "64:ff9b::a4d:1", "2001:db8::1" }, 2);

	(void)state;
	(void)resolvers_claim(&r, &c, own);
	(void)resolvers_claim(&r, &ra, own);
	assert_int_equal(n_of(&r, NULL, 0), 4);
	assert_int_equal(n_of(&r, corporate, 1), 2); /* its translated form, too */
}

static void names_each_once_and_no_more_than_fit(void **state)
{
	static const char *const many[] = { "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4" };
	struct resolvers r = { 0 };
	struct msg_claim c = ack(many, 4);
	struct msg_dns dns;

	(void)state;
	memset(&dns, 0, sizeof(dns));
	c.dhcp4.n_dns = UINT32_MAX; /* whatever a claim says, only what it holds counts */
	(void)resolvers_claim(&r, &c, own);
	resolvers_add(&r, "en0", NULL, 0, &dns);
	resolvers_add(&r, "en0", NULL, 0, &dns);
	assert_int_equal(dns.n_resolvers, 4);
	resolvers_add(&r, "en1", NULL, 0, &dns);
	resolvers_add(&r, "en2", NULL, 0, &dns);
	assert_int_equal(dns.n_resolvers, MSG_RESOLVERS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_what_each_source_said_last),
		cmocka_unit_test(hears_only_answers_that_are_for_us),
		cmocka_unit_test(takes_no_address_that_cannot_be_out_there),
		cmocka_unit_test(leaves_out_those_behind_a_prefix),
		cmocka_unit_test(names_each_once_and_no_more_than_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
