#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include <sys/socket.h>

#include "netguard/beacon_wire.h"
#include "netguard/sense.h"

enum { IFINDEX = 7, AT_MS = 1000 };

/* Ethernet, IPv4, UDP around a payload; returns the length. */
static size_t wrap(uint8_t *ret, uint16_t sport, uint16_t dport, const uint8_t *payload, size_t n)
{
	uint8_t head[42] = { [5] = 1,	[6] = 2,   [11] = 9,   [12] = 0x08, [14] = 0x45,
			     [22] = 64, [23] = 17, [26] = 192, [28] = 2,    [29] = 1 };

	head[16] = (uint8_t)((n + 28) >> 8);
	head[17] = (uint8_t)(n + 28);
	head[34] = (uint8_t)(sport >> 8);
	head[35] = (uint8_t)sport;
	head[36] = (uint8_t)(dport >> 8);
	head[37] = (uint8_t)dport;
	head[38] = (uint8_t)((n + 8) >> 8);
	head[39] = (uint8_t)(n + 8);
	memcpy(ret, head, sizeof(head));
	memcpy(ret + sizeof(head), payload, n);
	return sizeof(head) + n;
}

static void make_announcement(uint8_t ret[BEACON_ANNOUNCEMENT_BYTES])
{
	const struct beacon_certificate c = { .proof_class = PROOF_CLASS_LINK,
					      .not_after_wall_s = 1,
					      .site = "hq" };
	struct beacon_announcement a = { .counter = 1 };

	beacon_wire_certificate_build(&c, a.certificate_wire);
	beacon_wire_announcement_build(&a, ret);
}

static void an_announcement_is_handed_on_with_its_sender(void **state)
{
	uint8_t payload[BEACON_ANNOUNCEMENT_BYTES], frame[600];
	struct msg_claim c;
	size_t n;

	(void)state;
	make_announcement(payload);
	n = wrap(frame, 6262, 6262, payload, sizeof(payload));
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_BEACON);
	assert_int_equal(c.ifindex, IFINDEX);
	assert_int_equal(c.at_boot_ms, AT_MS);
	assert_int_equal(c.announce.family, AF_INET);
	assert_int_equal(c.announce.port, 6262);
	assert_int_equal(c.announce.len_bytes, sizeof(payload));
	assert_memory_equal(c.announce.address, "\xc0\x00\x02\x01", 4);
	assert_memory_equal(c.announce.source_mac, "\x02\0\0\0\0\x09", 6);
	assert_memory_equal(c.announce.data, payload, sizeof(payload));
}

static void what_is_no_announcement_on_that_port_is_nothing(void **state)
{
	uint8_t payload[BEACON_ANNOUNCEMENT_BYTES], frame[600];
	struct msg_claim c;
	size_t n;

	(void)state;
	make_announcement(payload);
	payload[0] ^= 1;
	n = wrap(frame, 6262, 6262, payload, sizeof(payload));
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), -ENODATA);
	payload[0] ^= 1;
	n = wrap(frame, 6262, 6263, payload, sizeof(payload));
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), -ENODATA);
	n = wrap(frame, 6262, 6262, payload, sizeof(payload) - 1);
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), -ENODATA);
}

static void a_broken_lldp_frame_is_still_a_neighbour(void **state)
{
	static const uint8_t frame[] = { 1, 0x80, 0xc2, 0, 0,	 0x0e, 2,    0,
					 0, 0,	  0,	1, 0x88, 0xcc, 0xff, 0xff };
	struct msg_claim c;

	(void)state;
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_LLDP);
	assert_string_equal(c.lldp.chassis, "malformed");
}

static void of_what_is_tagged_for_a_vlan_the_tag_is_the_claim(void **state)
{
	static const uint8_t frame[] = { 1, 0x80, 0xc2, 0,    0, 0x0e, 2, 0,	0,
					 0, 0,	  1,	0x81, 0, 0,    5, 0x88, 0xcc };
	struct msg_claim c;

	(void)state;
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_VLAN);
	assert_int_equal(c.vlan.vlan_id, 5);
}

static void a_broken_cdp_frame_is_still_a_neighbour(void **state)
{
	uint8_t frame[31] = { 1, 0, 0x0c, 0xcc, 0xcc, 0xcc, 2, 0,    0,	   0, 0, 1,
			      0, 9, 0xaa, 0xaa, 3,    0,    0, 0x0c, 0x20, 0, 9 };
	struct msg_claim c;

	(void)state;
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_CDP);
	assert_string_equal(c.cdp.device, "malformed");
	frame[13] = 17; /* a good one that leaves out its name: a port alone */
	memcpy(frame + 22, "\1\x0a\0\0\0\3\0\5x", 9);
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), 0);
	assert_string_equal(c.cdp.device, "malformed");
	assert_string_equal(c.cdp.port, "x");
	frame[20] = 0x21; /* VTP and its like share the address */
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), -ENODATA);
}

static void a_neighbour_may_be_the_router(void **state)
{
	static const uint8_t frame[] = {
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 0, 9, 8, 6,		    /* */
		0,    1,    8,	  0,	6,    4,    0, 2, 2, 0, 0, 0, 0, 9, 192, 168, 0, 1, /* */
		0,    0,    0,	  0,	0,    0,    0, 0, 0, 0,
	};
	struct msg_claim c;

	(void)state;
	assert_int_equal(sense_frame(frame, sizeof(frame), IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_GATEWAY);
	assert_int_equal(c.gateway.family, AF_INET);
	assert_memory_equal(c.gateway.mac, "\2\0\0\0\0\x09", 6);
	assert_memory_equal(c.gateway.address, "\xc0\xa8\0\1", 4);
}

static void a_dhcp_answer_counts_a_question_does_not(void **state)
{
	uint8_t payload[243] = { 2, 1, 6, 0, [236] = 0x63, 0x82, 0x53, 0x63, 53, 1, 5 };
	uint8_t frame[600];
	struct msg_claim c;
	size_t n = wrap(frame, 67, 68, payload, sizeof(payload));

	(void)state;
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), 0);
	assert_int_equal(c.kind, SIGN_DHCP4);
	assert_memory_equal(c.dhcp4.server_mac, "\x02\0\0\0\0\x09", 6);
	n = wrap(frame, 68, 67, payload, sizeof(payload));
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), -ENODATA);
	payload[236] = 0;
	n = wrap(frame, 67, 68, payload, sizeof(payload));
	assert_int_equal(sense_frame(frame, n, IFINDEX, AT_MS, &c), -ENODATA);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_announcement_is_handed_on_with_its_sender),
		cmocka_unit_test(what_is_no_announcement_on_that_port_is_nothing),
		cmocka_unit_test(a_broken_lldp_frame_is_still_a_neighbour),
		cmocka_unit_test(of_what_is_tagged_for_a_vlan_the_tag_is_the_claim),
		cmocka_unit_test(a_broken_cdp_frame_is_still_a_neighbour),
		cmocka_unit_test(a_neighbour_may_be_the_router),
		cmocka_unit_test(a_dhcp_answer_counts_a_question_does_not),
	};

	return cmocka_run_group_tests_name("sense", tests, NULL, NULL);
}
