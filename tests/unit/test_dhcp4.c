#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/util.h"

#include "netguard/dhcp4.h"

/* A message under construction. */
struct message {
	uint8_t data[600];
	size_t n;
};

static void option(struct message *m, uint8_t code, const void *value, size_t len_bytes)
{
	m->data[m->n++] = code;
	m->data[m->n++] = (uint8_t)len_bytes;
	memcpy(m->data + m->n, value, len_bytes);
	m->n += len_bytes;
}

/* BOOTREPLY for 02:00:00:00:00:01, 192.168.0.5; magic; message type ACK. */
static void begin(struct message *m)
{
	static const uint8_t magic[] = { 0x63, 0x82, 0x53, 0x63 };

	memset(m, 0, sizeof(*m));
	m->data[0] = 2;
	m->data[1] = 1;
	m->data[2] = 6;
	memcpy(m->data + 16, "\xc0\xa8\x00\x05", 4);
	memcpy(m->data + 28, "\x02\x00\x00\x00\x00\x01", 6);
	memcpy(m->data + 236, magic, sizeof(magic));
	m->n = 240;
	option(m, 53, "\x05", 1);
}

static int parse(const struct message *m, struct msg_dhcp4 *ret)
{
	return dhcp4_parse(m->data, m->n, ret);
}

static void reads_every_option_that_we_know(void **state)
{
	static const uint8_t search[] = { 4,   'c', 'o', 'r', 'p', 7,	'e', 'x',  'a', 'm',
					  'p', 'l', 'e', 0,   2,   'd', 'e', 0xc0, 0 };
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	option(&m, 1, "\xff\xff\xff\x00", 4);
	option(&m, 3, "\xc0\xa8\x00\x01\xc0\xa8\x00\x02", 8);
	option(&m, 6, "\x01\x01\x01\x01\x02\x02\x02\x02", 8);
	option(&m, 15, "corp.example", 13); /* with the NUL that some servers send */
	option(&m, 51, "\x00\x00\x0e\x10", 4);
	option(&m, 54, "\xc0\xa8\x00\x01", 4);
	option(&m, 119, search, sizeof(search));
	m.data[m.n++] = 255;
	assert_int_equal(parse(&m, &f), 0);
	assert_int_equal(f.message_type, 5);
	assert_memory_equal(&f.your_addr, "\xc0\xa8\x00\x05", 4);
	assert_memory_equal(&f.netmask, "\xff\xff\xff\x00", 4);
	assert_memory_equal(&f.router, "\xc0\xa8\x00\x01", 4);
	assert_memory_equal(&f.server_id, "\xc0\xa8\x00\x01", 4);
	assert_int_equal(f.n_dns, 2);
	assert_memory_equal(&f.dns[1], "\x02\x02\x02\x02", 4);
	assert_string_equal(f.domain, "corp.example");
	assert_string_equal(f.search, "corp.example de.corp.example");
	assert_int_equal(f.lease_s, 3600);
	assert_memory_equal(f.client_mac, "\x02\x00\x00\x00\x00\x01", 6);
	assert_false(f.has_private || f.has_vendor || f.search_cut);
}

static void notes_private_and_vendor_options(void **state)
{
	static const uint8_t code[] = { 223, 224, 254, 43, 125 };
	static const uint32_t private[] = { 0, 1, 1, 0, 0 }, vendor[] = { 0, 0, 0, 1, 1 };
	struct msg_dhcp4 f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(code); i++) {
		struct message m;

		begin(&m);
		option(&m, code[i], "x", 1);
		assert_int_equal(parse(&m, &f), 0);
		assert_int_equal(f.has_private, private[i]);
		assert_int_equal(f.has_vendor, vendor[i]);
	}
}

static void joins_the_pieces_of_a_long_option(void **state)
{
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	option(&m, 15, "corp.", 5);
	option(&m, 51, "\x00\x00\x00\x01", 4);
	option(&m, 15, "example", 7);
	assert_int_equal(parse(&m, &f), 0);
	assert_string_equal(f.domain, "corp.example");
}

static void reads_options_in_overloaded_fields(void **state)
{
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	option(&m, 52, "\x03", 1);
	memcpy(m.data + 108,
	       "\x0f\x05"
	       "corp."
	       "\xff",
	       8); /* file */
	memcpy(m.data + 44,
	       "\x0f\x07"
	       "example"
	       "\xff",
	       10); /* sname */
	assert_int_equal(parse(&m, &f), 0);
	assert_string_equal(f.domain, "corp.example");
	m.data[110 + 120] = 0; /* and without the overload option they are text */
	m.data[m.n - 1] = 1;
	assert_int_equal(parse(&m, &f), 0);
	assert_string_equal(f.domain, "corp.");
}

static void every_truncation_is_refused_or_keeps_whole_options(void **state)
{
	struct message m;
	struct msg_dhcp4 f, before;

	(void)state;
	begin(&m);
	option(&m, 15, "corp.example", 12);
	memset(&before, 0xaa, sizeof(before));
	for (size_t n = 0; n < m.n; n++) {
		int want = n == 240 ? -ENODATA : n == 243 ? 0 : -EBADMSG;

		f = before;
		assert_int_equal(dhcp4_parse(m.data, n, &f), want);
		if (want < 0)
			assert_memory_equal(&f, &before, sizeof(f));
		else
			assert_string_equal(f.domain, "");
	}
}

static void a_bootp_message_is_no_dhcp(void **state)
{
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	m.n = 240;
	option(&m, 15, "corp.example", 12);
	assert_int_equal(parse(&m, &f), -ENODATA);
}

static void options_of_a_wrong_length_are_refused(void **state)
{
	static const struct {
		uint8_t code;
		size_t len_bytes;
	} bad[] = { { 53, 2 }, { 51, 3 }, { 1, 5 }, { 54, 0 }, { 3, 6 }, { 6, 0 }, { 52, 2 } };
	struct msg_dhcp4 f;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct message m;

		begin(&m);
		option(&m, bad[i].code, "\x01\x01\x01\x01\x01\x01", bad[i].len_bytes);
		assert_int_equal(parse(&m, &f), -EBADMSG);
	}
}

static void a_domain_over_255_bytes_is_refused(void **state)
{
	uint8_t half[128];
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	memset(half, 'a', sizeof(half));
	begin(&m);
	option(&m, 15, half, 128);
	option(&m, 15, half, 127);
	assert_int_equal(parse(&m, &f), 0);
	m.n -= 129;
	option(&m, 15, half, 128);
	assert_int_equal(parse(&m, &f), -EBADMSG);
}

static void an_address_that_is_no_ethernet_is_nobodys(void **state)
{
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	m.data[1] = 6;
	assert_int_equal(parse(&m, &f), 0);
	assert_memory_equal(f.client_mac, "\0\0\0\0\0\0", 6);
}

static void another_magic_or_operation_is_refused(void **state)
{
	struct message m;
	struct msg_dhcp4 f;

	(void)state;
	begin(&m);
	m.data[236] ^= 1;
	assert_int_equal(parse(&m, &f), -EBADMSG);
	begin(&m);
	m.data[0] = 3;
	assert_int_equal(parse(&m, &f), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_option_that_we_know),
		cmocka_unit_test(notes_private_and_vendor_options),
		cmocka_unit_test(joins_the_pieces_of_a_long_option),
		cmocka_unit_test(reads_options_in_overloaded_fields),
		cmocka_unit_test(every_truncation_is_refused_or_keeps_whole_options),
		cmocka_unit_test(a_bootp_message_is_no_dhcp),
		cmocka_unit_test(options_of_a_wrong_length_are_refused),
		cmocka_unit_test(a_domain_over_255_bytes_is_refused),
		cmocka_unit_test(an_address_that_is_no_ethernet_is_nobodys),
		cmocka_unit_test(another_magic_or_operation_is_refused),
	};

	return cmocka_run_group_tests_name("dhcp4", tests, NULL, NULL);
}
