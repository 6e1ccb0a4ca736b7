#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/ra.h"

/* Ethernet and IPv6 around an advertisement: 1800 s, managed. Options follow. */
struct message {
	size_t n;
	uint8_t data[1024];
};

static struct message begin(void)
{
	struct message m = { .n = 70 };
	static const uint8_t head[] = {
		0x33, 0x33, 0, 0, 0, 1, 2, 0, 0, 0, 0, 9, 0x86, 0xdd, 0x60
	};

	memcpy(m.data, head, sizeof(head));
	m.data[20] = 58;
	m.data[21] = 255;
	memcpy(m.data + 22, "\xfe\x80\0\0\0\0\0\0\0\0\0\0\0\0\0\1\xff\2", 18);
	m.data[54] = 134;
	memcpy(m.data + 59, "\x80\x07\x08", 3);
	return m;
}

/* value: what follows type and length, 8 * units - 2 bytes */
static void put(struct message *m, uint8_t type, uint8_t units, const void *value)
{
	m->data[m->n] = type;
	m->data[m->n + 1] = units;
	memcpy(m->data + m->n + 2, value, (size_t)units * 8 - 2);
	m->n += (size_t)units * 8;
}

static int parse(struct message *m, struct msg_ra *ret)
{
	struct frame f;

	m->data[18] = (uint8_t)((m->n - 54) >> 8);
	m->data[19] = (uint8_t)(m->n - 54);
	assert_int_equal(frame_parse(m->data, m->n, &f), 0);
	return ra_parse(&f, ret);
}

static const uint8_t PREFIX[30] = { 64, 0xc0, 0, 0, 0x0e, 0x10, [14] = 0xfd, 0x77 };
static const uint8_t RDNSS[22] = { [6] = 0xfd, 0x77, [21] = 0x53 };
static const uint8_t DNSSL[22] = {
	[6] = 4, 'c', 'o', 'r', 'p', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e'
};

static struct message good(void)
{
	struct message m = begin();

	put(&m, 1, 1, "\2\0\0\0\0\x09");
	put(&m, 3, 4, PREFIX);
	put(&m, 25, 3, RDNSS);
	put(&m, 31, 3, DNSSL);
	return m;
}

static void reads_what_a_router_says(void **state)
{
	struct message m = good();
	struct msg_ra f;

	(void)state;
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.router[0], 0xfe);
	assert_memory_equal(f.router_mac, "\2\0\0\0\0\x09", 6);
	assert_int_equal(f.lifetime_s, 1800);
	assert_int_equal(f.flags, 0x80);
	assert_int_equal(f.n_prefixes, 1);
	assert_int_equal(f.prefix[0].len_bits, 64);
	assert_int_equal(f.prefix[0].flags, 0xc0);
	assert_int_equal(f.prefix[0].valid_s, 3600);
	assert_memory_equal(f.prefix[0].address, "\xfd\x77\0", 3);
	assert_int_equal(f.n_resolvers, 1);
	assert_memory_equal(f.resolver[0], "\xfd\x77\0", 3);
	assert_string_equal(f.search, "corp.example");
	assert_string_equal(f.pvd, "");
	assert_int_equal(f.cut, 0);
}

static void a_cut_is_refused_or_ends_between_two_options(void **state)
{
	struct message m = good();
	struct msg_ra f;
	unsigned n_whole = 0;

	(void)state;
	for (size_t n = 54; n <= m.n; n++) {
		struct message cut = m;
		int r;

		cut.n = n;
		r = parse(&cut, &f);
		assert_true(r == 0 || r == -EBADMSG || (r == -ENODATA && n == 54));
		n_whole += r == 0;
	}
	assert_int_equal(n_whole, 5);
}

static void what_a_host_must_refuse_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 21, 254 },  /* it came through a router */
		{ 22, 0x20 }, /* not link-local */
		{ 55, 1 },    /* code */
		{ 71, 0 },    /* an option without length */
		{ 71, 200 },  /* one beyond the end */
	};
	struct msg_ra f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = good();

		m.data[bad[i].at] = bad[i].value;
		assert_int_equal(parse(&m, &f), -EBADMSG);
	}
}

static void another_message_is_none(void **state)
{
	struct message m = good();
	struct msg_ra f;

	(void)state;
	m.data[54] = 133;
	assert_int_equal(parse(&m, &f), -ENODATA);
}

static void what_does_not_fit_or_read_is_told(void **state)
{
	static const uint8_t long_prefix[30] = { 129 };
	static const uint8_t label[14] = { [6] = 9, 'x' };
	static const struct {
		uint8_t type;
		uint8_t units;
		const void *value;
	} bad[] = {
		{ 3, 4, long_prefix }, { 3, 3, PREFIX }, { 25, 2, RDNSS },
		{ 25, 1, RDNSS },      { 31, 2, label }, { 21, 1, "\0\0\0\0\x09x" },
	};
	struct msg_ra f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = begin();

		put(&m, bad[i].type, bad[i].units, bad[i].value);
		assert_int_equal(parse(&m, &f), 0);
		assert_int_equal(f.cut, 1);
	}
}

static void more_than_there_is_room_for_is_told(void **state)
{
	struct message m = begin(), names = begin();
	struct msg_ra f;

	(void)state;
	for (unsigned i = 0; i < MSG_RA_PREFIXES; i++)
		put(&m, 3, 4, PREFIX);
	for (unsigned i = 0; i < MSG_RA_RESOLVERS; i++)
		put(&m, 25, 3, RDNSS);
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.cut, 0);
	names = m;
	put(&m, 3, 4, PREFIX);
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.cut, 1);
	assert_int_equal(f.n_prefixes, MSG_RA_PREFIXES);
	put(&names, 25, 3, RDNSS);
	assert_int_equal(parse(&names, &f), 0);
	assert_int_equal(f.cut, 1);
	assert_int_equal(f.n_resolvers, MSG_RA_RESOLVERS);
}

/* RFC 8801 3.1: flags, sequence, "pvd.lan", padded; then, if the R flag says so, a header of an
 * advertisement; then options. */
static void a_provisioning_domain_is_read_with_what_it_holds(void **state)
{
	uint8_t value[16 + 16 + 24 - 2] = { 0x80, 0, 0, 1, 3, 'p', 'v', 'd', 3, 'l', 'a', 'n' };
	struct message m = begin(), with_header = begin();
	struct msg_ra f;

	(void)state;
	value[14] = 31;
	value[15] = 3;
	memcpy(value + 16, DNSSL, sizeof(DNSSL));
	put(&m, 21, 5, value);
	assert_int_equal(parse(&m, &f), 0);
	assert_string_equal(f.pvd, "pvd.lan");
	assert_string_equal(f.search, "corp.example");
	assert_int_equal(f.cut, 0);
	value[0] = 0xa0;
	memset(value + 14, 0, 16);
	value[30] = 31;
	value[31] = 3;
	memcpy(value + 32, DNSSL, sizeof(DNSSL));
	put(&with_header, 21, 7, value);
	assert_int_equal(parse(&with_header, &f), 0);
	assert_string_equal(f.pvd, "pvd.lan");
	assert_string_equal(f.search, "corp.example");
	assert_int_equal(f.cut, 0);
	put(&with_header, 21, 7, value); /* a second one has no room */
	assert_int_equal(parse(&with_header, &f), 0);
	assert_int_equal(f.cut, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_a_router_says),
		cmocka_unit_test(a_cut_is_refused_or_ends_between_two_options),
		cmocka_unit_test(what_a_host_must_refuse_is_refused),
		cmocka_unit_test(another_message_is_none),
		cmocka_unit_test(what_does_not_fit_or_read_is_told),
		cmocka_unit_test(more_than_there_is_room_for_is_told),
		cmocka_unit_test(a_provisioning_domain_is_read_with_what_it_holds),
	};

	return cmocka_run_group_tests_name("ra", tests, NULL, NULL);
}
