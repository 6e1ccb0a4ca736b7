#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/dhcp6.h"

struct message {
	size_t n;
	uint8_t data[1024];
};

static struct message begin(uint8_t type)
{
	return (struct message){ .n = 4, .data = { type, 1, 2, 3 } };
}

static void put(struct message *m, unsigned code, const void *value, size_t len_bytes)
{
	const uint8_t head[] = { 0, (uint8_t)code, (uint8_t)(len_bytes >> 8), (uint8_t)len_bytes };

	memcpy(m->data + m->n, head, sizeof(head));
	memcpy(m->data + m->n + sizeof(head), value, len_bytes);
	m->n += sizeof(head) + len_bytes;
}

static int parse(const struct message *m, struct msg_dhcp6 *ret)
{
	return dhcp6_parse(m->data, m->n, ret);
}

/* IAID and timers, then one address fd77::N with its lifetimes */
#define IA_NA(n)                                                                                   \
	"\0\0\0\1\0\0\0\x09\0\0\0\x09\0\5\0\x18\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0" n               \
	"\0\0\0\x09\0\0\0\x09"
#define IA_PD                                                                                      \
	"\0\0\0\1\0\0\0\x09\0\0\0\x09\0\x1a\0\x19\0\0\0\x09\0\0\0\x09\x38\xfd\x78\0\0\0\0\0\0\0"   \
	"\0\0\0\0\0\0\0"
static const uint8_t RESOLVERS[32] = { 0xfd, 0x77, [15] = 0x53, [16] = 0xfd, 0x79 };
static const char DOMAINS[] = "\4corp\7example\0\3lan"; /* and the root's NUL */

static struct message good(void)
{
	struct message m = begin(7);

	put(&m, 3, IA_NA("\x09"), 40);
	put(&m, 25, IA_PD, 41);
	put(&m, 23, RESOLVERS, sizeof(RESOLVERS));
	put(&m, 24, DOMAINS, sizeof(DOMAINS));
	put(&m, 17, "\0\0\0\1", 4);
	return m;
}

static void reads_what_a_server_says(void **state)
{
	struct message m = good();
	struct msg_dhcp6 f;

	(void)state;
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.message_type, 7);
	assert_int_equal(f.status, 0);
	assert_int_equal(f.n_addresses, 2);
	assert_memory_equal(f.address[0], "\xfd\x77\0\0\0\0\0\0\0\0\0\0\0\0\0\x09", 16);
	assert_memory_equal(f.address[1], "\xfd\x78\0", 3);
	assert_int_equal(f.n_resolvers, 2);
	assert_memory_equal(f.resolver, RESOLVERS, sizeof(RESOLVERS));
	assert_string_equal(f.search, "corp.example lan");
	assert_int_equal(f.has_vendor, 1);
	assert_int_equal(f.cut, 0);
}

static void every_truncation_is_refused_or_ends_between_two_options(void **state)
{
	struct message m = good();
	struct msg_dhcp6 f;
	unsigned n_whole = 0;

	(void)state;
	for (size_t n = 0; n <= m.n; n++) {
		struct message cut = { .n = n };
		int r;

		memcpy(cut.data, m.data, n);
		r = parse(&cut, &f);
		assert_true(r == 0 || r == -EBADMSG);
		n_whole += r == 0;
	}
	assert_int_equal(n_whole, 6); /* none, and after each of five */
}

static void only_messages_of_servers_count(void **state)
{
	struct msg_dhcp6 f;

	(void)state;
	for (uint8_t type = 0; type < 20; type++) {
		struct message m = begin(type);
		bool server = type == 2 || type == 7 || type == 10;

		assert_int_equal(parse(&m, &f), server ? 0 : -ENODATA);
	}
}

static void a_status_is_found_wherever_it_stands(void **state)
{
	struct message m = begin(7);
	struct msg_dhcp6 f;

	(void)state;
	put(&m, 13, "\0\0ok", 4);
	put(&m, 3, "\0\0\0\1\0\0\0\0\0\0\0\0\0\x0d\0\2\0\2", 18);
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.status, 2); /* NoAddrsAvail */
	assert_int_equal(f.n_addresses, 0);
	assert_int_equal(f.cut, 0);
}

static void what_does_not_fit_or_read_is_told(void **state)
{
	static const struct {
		unsigned code;
		size_t len_bytes;
		const char *value;
	} bad[] = {
		{ 3, 13, "\0\0\0\1\0\0\0\0\0\0\0\0\0" }, /* half an option inside */
		{ 3, 11, "\0\0\0\1\0\0\0\0\0\0\0" },	 /* no head */
		{ 23, 15, "123456789012345" },		 /* no address */
		{ 23, 0, "" },				 /* none at all */
		{ 24, 4, "\4cor" },			 /* a label without end */
		{ 13, 1, "\0" },			 /* no status */
	};
	struct msg_dhcp6 f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct message m = begin(2);

		put(&m, bad[i].code, bad[i].value, bad[i].len_bytes);
		assert_int_equal(parse(&m, &f), 0);
		assert_int_equal(f.cut, 1);
	}
}

static void more_than_there_is_room_for_is_told(void **state)
{
	struct message many = begin(7), leased = begin(7);
	uint8_t resolvers[16 * (MSG_DHCP6_RESOLVERS + 1)] = { 0 };
	struct msg_dhcp6 f;

	(void)state;
	put(&many, 23, resolvers, sizeof(resolvers) - 16);
	assert_int_equal(parse(&many, &f), 0);
	assert_int_equal(f.cut, 0);
	put(&many, 23, resolvers, 16);
	assert_int_equal(parse(&many, &f), 0);
	assert_int_equal(f.cut, 1);
	assert_int_equal(f.n_resolvers, MSG_DHCP6_RESOLVERS);
	for (unsigned i = 0; i <= MSG_DHCP6_ADDRESSES; i++) {
		assert_int_equal(parse(&leased, &f), 0);
		assert_int_equal(f.cut, 0);
		put(&leased, 3, IA_NA("\1"), 40);
	}
	assert_int_equal(parse(&leased, &f), 0);
	assert_int_equal(f.cut, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_what_a_server_says),
		cmocka_unit_test(every_truncation_is_refused_or_ends_between_two_options),
		cmocka_unit_test(only_messages_of_servers_count),
		cmocka_unit_test(a_status_is_found_wherever_it_stands),
		cmocka_unit_test(what_does_not_fit_or_read_is_told),
		cmocka_unit_test(more_than_there_is_room_for_is_told),
	};

	return cmocka_run_group_tests_name("dhcp6", tests, NULL, NULL);
}
