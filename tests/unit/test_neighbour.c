#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "netguard/neighbour.h"

static const uint8_t ARP[] = {
	0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0,   9,	  8, 6, /* */
	0,    1,    8,	  0,	6,    4,    0, 2, 2, 0, 0,   0,	  0, 8,
	192,  168,  0,	  1,	2,    0,    0, 0, 0, 1, 192, 168, 0, 5,
};

/* Advertisement by fe80::1 of fe80::2, which has 02::07. */
static const uint8_t NA[] = {
	2,    0,    0, 0, 0,	1,  2,	0,   0, 0, 0, 9, 0x86, 0xdd,	   /* */
	0x60, 0,    0, 0, 0,	32, 58, 255,				   /* */
	0xfe, 0x80, 0, 0, 0,	0,  0,	0,   0, 0, 0, 0, 0,    0,    0, 1, /* */
	0xfe, 0x80, 0, 0, 0,	0,  0,	0,   0, 0, 0, 0, 0,    0,    0, 9, /* */
	136,  0,    0, 0, 0x60, 0,  0,	0,				   /* */
	0xfe, 0x80, 0, 0, 0,	0,  0,	0,   0, 0, 0, 0, 0,    0,    0, 2, /* */
	2,    1,    2, 0, 0,	0,  0,	7,
};

static int parse(const uint8_t *data, size_t len_bytes, struct msg_gateway *ret)
{
	struct frame f;
	int r = frame_parse(data, len_bytes, &f);

	return r < 0 ? r : neighbour_parse(&f, ret);
}

static void arp_says_who_sent_it(void **state)
{
	struct msg_gateway g;

	(void)state;
	assert_int_equal(parse(ARP, sizeof(ARP), &g), 0);
	assert_int_equal(g.family, AF_INET);
	assert_memory_equal(g.address, "\xc0\xa8\0\1\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(g.mac, "\2\0\0\0\0\x08", 6);
}

static void an_advertisement_says_who_its_target_is(void **state)
{
	struct msg_gateway g;
	uint8_t bare[sizeof(NA) - 8];

	(void)state;
	assert_int_equal(parse(NA, sizeof(NA), &g), 0);
	assert_int_equal(g.family, AF_INET6);
	assert_int_equal(g.address[15], 2);
	assert_int_equal(g.mac[5], 7);
	memcpy(bare, NA, sizeof(bare));
	bare[19] = 24; /* without the option: the frame's own source */
	assert_int_equal(parse(bare, sizeof(bare), &g), 0);
	assert_int_equal(g.mac[5], 9);
}

static void a_solicitation_says_who_asks(void **state)
{
	uint8_t ns[sizeof(NA)];
	struct msg_gateway g;

	(void)state;
	memcpy(ns, NA, sizeof(ns));
	ns[54] = 135;
	ns[78] = 1;
	assert_int_equal(parse(ns, sizeof(ns), &g), 0);
	assert_int_equal(g.address[15], 1);
	assert_int_equal(g.mac[5], 7);
	memset(ns + 22, 0, 16); /* it looks for a free address: nobody's yet */
	assert_int_equal(parse(ns, sizeof(ns), &g), -ENODATA);
}

static void every_truncation_is_refused(void **state)
{
	struct msg_gateway g;

	(void)state;
	for (size_t n = 0; n < sizeof(ARP); n++)
		assert_int_equal(parse(ARP, n, &g), -EBADMSG);
	for (size_t n = 0; n < sizeof(NA); n++)
		assert_int_equal(parse(NA, n, &g), -EBADMSG);
}

static void what_names_nobody_or_is_no_arp_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
		int want;
	} bad[] = {
		{ 15, 2, -EBADMSG }, { 16, 9, -EBADMSG }, { 18, 5, -EBADMSG },
		{ 21, 3, -EBADMSG }, { 22, 3, -ENODATA }, /* a group's MAC */
	};
	static const struct {
		size_t at;
		uint8_t value;
	} bad6[] = { { 21, 254 }, { 55, 1 }, { 79, 0 }, { 79, 2 } };
	uint8_t frame[sizeof(NA)];
	struct msg_gateway g;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		memcpy(frame, ARP, sizeof(ARP));
		frame[bad[i].at] = bad[i].value;
		assert_int_equal(parse(frame, sizeof(ARP), &g), bad[i].want);
	}
	memcpy(frame, ARP, sizeof(ARP));
	memset(frame + 28, 0, 4); /* a probe, RFC 5227 */
	assert_int_equal(parse(frame, sizeof(ARP), &g), -ENODATA);
	for (size_t i = 0; i < sizeof(bad6) / sizeof(bad6[0]); i++) {
		memcpy(frame, NA, sizeof(NA));
		frame[bad6[i].at] = bad6[i].value;
		assert_int_equal(parse(frame, sizeof(NA), &g), -EBADMSG);
	}
	memcpy(frame, NA, sizeof(NA));
	frame[54] = 137;
	assert_int_equal(parse(frame, sizeof(NA), &g), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(arp_says_who_sent_it),
		cmocka_unit_test(an_advertisement_says_who_its_target_is),
		cmocka_unit_test(a_solicitation_says_who_asks),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(what_names_nobody_or_is_no_arp_is_refused),
	};

	return cmocka_run_group_tests_name("neighbour", tests, NULL, NULL);
}
