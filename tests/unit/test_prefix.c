#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <arpa/inet.h>
#include <cmocka.h>

#include "base/util.h"
#include "netguard/prefix.h"

static struct msg_prefix prefix(const char *address, uint32_t len_bits)
{
	struct msg_prefix p = { .family = strchr(address, ':') ? AF_INET6 : AF_INET,
				.len_bits = len_bits };

	assert_int_equal(inet_pton((int)p.family, address, p.address), 1);
	return p;
}

static void assert_range(const struct prefix_range *r, int family, const char *first,
			 const char *last)
{
	char text[INET6_ADDRSTRLEN];

	assert_string_equal(inet_ntop(family, r->first, text, sizeof(text)), first);
	assert_string_equal(inet_ntop(family, r->last, text, sizeof(text)), last);
}

static void nothing_in_gives_nothing_out(void **state)
{
	struct prefix_ranges r;

	(void)state;
	prefix_ranges_build(NULL, 0, &r);
	assert_int_equal(r.n4, 0);
	assert_int_equal(r.n6, 0);
}

static void ipv4_brings_its_translated_forms(void **state)
{
	struct msg_prefix p = prefix("10.77.0.0", 16);
	struct prefix_ranges r;

	(void)state;
	prefix_ranges_build(&p, 1, &r);
	assert_int_equal(r.n4, 1);
	assert_range(&r.v4[0], AF_INET, "10.77.0.0", "10.77.255.255");
	assert_int_equal(r.n6, 5);
	assert_range(&r.v6[0], AF_INET6, "::", "::ffff:ffff:ffff:ffff");
	assert_range(&r.v6[1], AF_INET6, "64:ff9b::a4d:0", "64:ff9b::a4d:ffff");
	assert_range(&r.v6[2], AF_INET6, "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff");
	assert_range(&r.v6[3], AF_INET6, "2001::", "2001:0:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_range(&r.v6[4], AF_INET6, "2002:a4d::", "2002:a4d:ffff:ffff:ffff:ffff:ffff:ffff");
}

static void ipv6_alone_closes_no_translator(void **state)
{
	struct msg_prefix p = prefix("2001:db8:7::", 48);
	struct prefix_ranges r;

	(void)state;
	prefix_ranges_build(&p, 1, &r);
	assert_int_equal(r.n4, 0);
	assert_int_equal(r.n6, 1);
	assert_range(&r.v6[0], AF_INET6, "2001:db8:7::", "2001:db8:7:ffff:ffff:ffff:ffff:ffff");
}

static void nested_and_touching_prefixes_become_one_range(void **state)
{
	struct msg_prefix p[] = { prefix("10.3.0.0", 16), prefix("10.0.0.0", 15),
				  prefix("10.1.2.0", 24), prefix("10.2.0.0", 16),
				  prefix("10.5.0.0", 16), prefix("10.1.2.0", 24) };
	struct prefix_ranges r;

	(void)state;
	prefix_ranges_build(p, ARRAY_LEN(p), &r);
	assert_int_equal(r.n4, 2);
	assert_range(&r.v4[0], AF_INET, "10.0.0.0", "10.3.255.255");
	assert_range(&r.v4[1], AF_INET, "10.5.0.0", "10.5.255.255");
}

static void everything_and_the_last_address_do_not_wrap(void **state)
{
	struct msg_prefix all = prefix("0.0.0.0", 0);
	struct msg_prefix ends[] = { prefix("255.255.255.255", 32), prefix("0.0.0.0", 32) };
	struct prefix_ranges r;

	(void)state;
	prefix_ranges_build(&all, 1, &r);
	assert_int_equal(r.n4, 1);
	assert_range(&r.v4[0], AF_INET, "0.0.0.0", "255.255.255.255");
	prefix_ranges_build(ends, ARRAY_LEN(ends), &r);
	assert_int_equal(r.n4, 2);
	assert_range(&r.v4[1], AF_INET, "255.255.255.255", "255.255.255.255");
}

static void as_many_as_a_message_holds_fit(void **state)
{
	struct msg_prefix p[MSG_PREFIXES];
	struct prefix_ranges r;

	(void)state;
	for (unsigned i = 0; i < ARRAY_LEN(p); i++) {
		p[i] = prefix("10.0.0.0", 16);
		p[i].address[1] = (uint8_t)(2 * (ARRAY_LEN(p) - i)); /* descending, with gaps */
	}
	prefix_ranges_build(p, ARRAY_LEN(p), &r);
	assert_int_equal(r.n4, PREFIX_RANGES4);
	assert_int_equal(r.n6, PREFIX_RANGES6);
	for (unsigned i = 1; i < r.n6; i++)
		assert_true(memcmp(r.v6[i - 1].last, r.v6[i].first, 16) < 0);
}

static void refuses_what_is_no_prefix(void **state)
{
	struct msg_prefix host_bits = prefix("10.0.1.0", 16), too_long = prefix("10.0.0.0", 33);
	struct msg_prefix family = prefix("10.0.0.0", 8), beyond = prefix("10.0.0.0", 8);

	(void)state;
	family.family = AF_UNIX;
	beyond.address[15] = 1;
	assert_false(prefix_ok(&host_bits));
	assert_false(prefix_ok(&too_long));
	assert_false(prefix_ok(&family));
	assert_false(prefix_ok(&beyond));
	host_bits.len_bits = 24;
	assert_true(prefix_ok(&host_bits));
}

static void a_prefix_meets_what_is_inside_it_or_around_it(void **state)
{
	const struct msg_prefix p = { AF_INET6, 48, { 0xfd, 0x77 } };
	const struct msg_prefix bad = { AF_INET6, 8, { 0xfd, 0x77 } };
	uint8_t address[16] = { 0xfd, 0x77, [15] = 1 };

	(void)state;
	assert_true(prefix_meets(&p, AF_INET6, address, 128));
	assert_true(prefix_meets(&p, AF_INET6, address, 8));
	assert_false(prefix_meets(&p, AF_INET, address, 16));
	assert_false(prefix_meets(&p, AF_INET6, address, 129));
	assert_false(prefix_meets(&bad, AF_INET6, address, 128));
	address[5] = 1;
	assert_false(prefix_meets(&p, AF_INET6, address, 128));
	assert_true(prefix_meets(&p, AF_INET6, address, 47));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_gives_nothing_out),
		cmocka_unit_test(ipv4_brings_its_translated_forms),
		cmocka_unit_test(ipv6_alone_closes_no_translator),
		cmocka_unit_test(nested_and_touching_prefixes_become_one_range),
		cmocka_unit_test(everything_and_the_last_address_do_not_wrap),
		cmocka_unit_test(as_many_as_a_message_holds_fit),
		cmocka_unit_test(refuses_what_is_no_prefix),
		cmocka_unit_test(a_prefix_meets_what_is_inside_it_or_around_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
