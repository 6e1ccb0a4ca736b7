#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/frame.h"

/* Ethernet, IPv4 without options, UDP 67 -> 68, two bytes of payload, two of padding. */
static const uint8_t IPV4[] = {
	1,    2,  3, 4,	 5, 6,	2,    0, 0,   0,   0, 9, 0x08, 0x00,			 /* */
	0x45, 0,  0, 30, 0, 0,	0x40, 0, 64,  17,  0, 0, 192,  0,    2, 1, 192, 0, 2, 2, /* */
	0,    67, 0, 68, 0, 10, 0,    0, 'h', 'i', 0, 0,
};

/* Ethernet, IPv6, hop-by-hop options, UDP 6262 -> 6262, two bytes. */
static const uint8_t IPV6[] = {
	1,    2,    3,	  4,	5, 6,  2, 0,   0,   0,	 0, 9, 0x86, 0xdd,	 /* */
	0x60, 0,    0,	  0,	0, 18, 0, 255,					 /* */
	0xfe, 0x80, 0,	  0,	0, 0,  0, 0,   0,   0,	 0, 0, 0,    0,	   0, 1, /* */
	0xff, 2,    0,	  0,	0, 0,  0, 0,   0,   0,	 0, 0, 0,    0,	   0, 1, /* */
	17,   0,    1,	  4,	0, 0,  0, 0,					 /* */
	0x18, 0x76, 0x18, 0x76, 0, 10, 0, 0,   'h', 'i',
};

static void reads_udp_over_ipv4_and_drops_the_padding(void **state)
{
	struct frame f;

	(void)state;
	assert_int_equal(frame_parse(IPV4, sizeof(IPV4), &f), 0);
	assert_true(f.is_udp);
	assert_int_equal(f.ip_version, 4);
	assert_int_equal(f.hop_limit, 64);
	assert_int_equal(f.source_port, 67);
	assert_int_equal(f.destination_port, 68);
	assert_memory_equal(f.source, "\xc0\x00\x02\x01\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(f.source_mac, "\x02\0\0\0\0\x09", 6);
	assert_int_equal(bytes_left(&f.payload), 2);
	assert_memory_equal(f.payload.at, "hi", 2);
}

static void steps_over_ipv6_extension_headers(void **state)
{
	struct frame f;

	(void)state;
	assert_int_equal(frame_parse(IPV6, sizeof(IPV6), &f), 0);
	assert_true(f.is_udp);
	assert_int_equal(f.ip_version, 6);
	assert_int_equal(f.hop_limit, 255);
	assert_int_equal(f.destination_port, 6262);
	assert_int_equal(f.source[0], 0xfe);
	assert_memory_equal(f.payload.at, "hi", 2);
}

static void every_truncation_is_refused(void **state)
{
	struct frame f;

	(void)state;
	for (size_t n = 0; n < sizeof(IPV4) - 2; n++)
		assert_int_equal(frame_parse(IPV4, n, &f), -EBADMSG);
	for (size_t n = 0; n < sizeof(IPV6); n++)
		assert_int_equal(frame_parse(IPV6, n, &f), -EBADMSG);
}

static void a_fragment_has_no_ports(void **state)
{
	uint8_t frame[sizeof(IPV4)];
	struct frame f;

	(void)state;
	memcpy(frame, IPV4, sizeof(frame));
	frame[20] = 0x20; /* more fragments */
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_false(f.is_udp);
	frame[20] = 0;
	frame[21] = 1; /* offset */
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_false(f.is_udp);
}

static void stops_at_the_tag_of_a_vlan_and_reads_past_one_of_none(void **state)
{
	uint8_t frame[sizeof(IPV4) + 4];
	struct frame f;

	(void)state;
	memcpy(frame, IPV4, 12);
	memcpy(frame + 12, "\x81\x00\xe0\x2a", 4); /* priority 7, VLAN 42 */
	memcpy(frame + 16, IPV4 + 12, sizeof(IPV4) - 12);
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_int_equal(f.vlan_id, 42);
	assert_false(f.is_udp);
	frame[18] = 0; /* broken inside: it is tagged all the same */
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_int_equal(f.vlan_id, 42);
	frame[18] = 0x45;
	frame[15] = 0; /* a priority tag names no VLAN */
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_int_equal(f.vlan_id, 0);
	assert_true(f.is_udp);
}

static void an_icmp6_message_is_told_from_a_fragment(void **state)
{
	uint8_t frame[sizeof(IPV6)];
	struct frame f;

	(void)state;
	memcpy(frame, IPV6, sizeof(frame));
	frame[54] = 58; /* behind the hop-by-hop options */
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_true(f.is_icmp6);
	assert_false(f.is_udp);
	assert_int_equal(bytes_left(&f.payload), 10);
	frame[54] = 44;
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_false(f.is_icmp6);
	assert_true(frame_is_link_local(f.source));
	assert_false(frame_is_link_local(f.destination));
}

static void an_llc_frame_ends_where_it_says(void **state)
{
	uint8_t frame[20] = { [13] = 3 };
	struct frame f;

	(void)state;
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), 0);
	assert_int_equal(f.ethertype, 0);
	assert_int_equal(bytes_left(&f.payload), 3);
	frame[13] = 7;
	assert_int_equal(frame_parse(frame, sizeof(frame), &f), -EBADMSG);
}

static void lengths_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = {
		{ 14, 0x44 },	 /* header shorter than itself */
		{ 14, 0x65 },	 /* not version 4 */
		{ 17, 19 },	 /* total length below the header */
		{ 17, 33 },	 /* total length beyond the frame */
		{ 14 + 25, 7 },	 /* UDP length below its header */
		{ 14 + 25, 11 }, /* UDP length beyond the packet */
	};
	struct frame f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t frame[sizeof(IPV4)];

		memcpy(frame, IPV4, sizeof(frame));
		frame[bad[i].at] = bad[i].value;
		assert_int_equal(frame_parse(frame, sizeof(frame), &f), -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_udp_over_ipv4_and_drops_the_padding),
		cmocka_unit_test(steps_over_ipv6_extension_headers),
		cmocka_unit_test(every_truncation_is_refused),
		cmocka_unit_test(a_fragment_has_no_ports),
		cmocka_unit_test(stops_at_the_tag_of_a_vlan_and_reads_past_one_of_none),
		cmocka_unit_test(an_icmp6_message_is_told_from_a_fragment),
		cmocka_unit_test(an_llc_frame_ends_where_it_says),
		cmocka_unit_test(lengths_that_contradict_each_other_are_refused),
	};

	return cmocka_run_group_tests_name("frame", tests, NULL, NULL);
}
