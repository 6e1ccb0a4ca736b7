#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/lldp.h"

/* chassis: MAC 02:00:00:00:00:01; port: ifname "1"; ttl 120 s; system name "sw1"; end. */
static const uint8_t GOOD[] = {
	0x02, 0x07, 0x04, 0x02, 0x00, 0x00, 0x00, 0x00, 0x01, /* */
	0x04, 0x02, 0x05, '1',				      /* */
	0x06, 0x02, 0x00, 0x78,				      /* */
	0x0a, 0x03, 's',  'w',	'1',			      /* */
	0x00, 0x00,
};

static int parse(const uint8_t *data, size_t n, struct msg_lldp *ret)
{
	return lldp_parse(data, n, ret);
}

static void reads_chassis_port_ttl_and_name(void **state)
{
	struct msg_lldp f;

	(void)state;
	assert_int_equal(parse(GOOD, sizeof(GOOD), &f), 0);
	assert_string_equal(f.chassis, "02:00:00:00:00:01");
	assert_string_equal(f.port, "1");
	assert_string_equal(f.system, "sw1");
	assert_int_equal(f.ttl_s, 120);
}

static void every_truncation_is_refused_or_means_the_same(void **state)
{
	struct msg_lldp before, f;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (size_t n = 0; n < sizeof(GOOD); n++) {
		/* complete once the TTL is in (17 bytes), or the name (22) */
		int want = n == 17 || n == 22 ? 0 : -EBADMSG;

		f = before;
		assert_int_equal(parse(GOOD, n, &f), want);
		if (want)
			assert_memory_equal(&f, &before, sizeof(f));
	}
}

static void an_ipv4_chassis_reads_as_an_address(void **state)
{
	static const uint8_t pdu[] = { 0x02, 0x06, 0x05, 1,   192,  0,	  2,	1,
				       0x04, 0x02, 0x07, 'p', 0x06, 0x02, 0x00, 0x01 };
	struct msg_lldp f;

	(void)state;
	assert_int_equal(parse(pdu, sizeof(pdu), &f), 0);
	assert_string_equal(f.chassis, "192.0.2.1");
	assert_string_equal(f.system, "");
}

static void unprintable_bytes_read_as_question_marks(void **state)
{
	uint8_t pdu[sizeof(GOOD)];
	struct msg_lldp f;

	(void)state;
	memcpy(pdu, GOOD, sizeof(pdu));
	pdu[19] = 0x1b;
	pdu[20] = 0x00;
	assert_int_equal(parse(pdu, sizeof(pdu), &f), 0);
	assert_string_equal(f.system, "??1");
}

static void rejects_ttl_before_port(void **state)
{
	static const uint8_t swapped[] = { 0x02, 0x02, 0x04, 0x01, 0x06, 0x02, 0x00,
					   0x78, 0x04, 0x02, 0x05, '1',	 0x00, 0x00 };
	struct msg_lldp f;

	(void)state;
	assert_int_equal(parse(swapped, sizeof(swapped), &f), -EBADMSG);
}

static void rejects_an_id_with_no_value(void **state)
{
	static const uint8_t empty_port[] = { 0x02, 0x02, 0x04, 0x01, 0x04, 0x01,
					      0x05, 0x06, 0x02, 0x00, 0x78 };
	struct msg_lldp f;

	(void)state;
	assert_int_equal(parse(empty_port, sizeof(empty_port), &f), -EBADMSG);
}

static void rejects_a_second_ttl(void **state)
{
	uint8_t pdu[sizeof(GOOD)];
	struct msg_lldp f;

	(void)state;
	memcpy(pdu, GOOD, sizeof(pdu));
	pdu[17] = 0x06;
	assert_int_equal(parse(pdu, sizeof(pdu), &f), -EBADMSG);
}

static void rejects_a_second_name(void **state)
{
	uint8_t pdu[sizeof(GOOD) + 5];
	struct msg_lldp f;

	(void)state;
	memcpy(pdu, GOOD, 22);
	memcpy(pdu + 22, GOOD + 17, 7);
	pdu[27] = pdu[28] = 0;
	assert_int_equal(parse(pdu, 29, &f), -EBADMSG);
}

static void reads_all_nine_bits_of_a_tlv_length(void **state)
{
	uint8_t pdu[17 + 2 + 256] = { 0 };
	struct msg_lldp f;

	(void)state;
	memcpy(pdu, GOOD, 17);
	pdu[17] = 127 << 1 | 1; /* organisationally specific TLV, 256 bytes long */
	memset(pdu + 19, 0x06, 256);
	assert_int_equal(parse(pdu, sizeof(pdu), &f), 0);
}

static void what_follows_the_end_is_ignored(void **state)
{
	uint8_t pdu[sizeof(GOOD) + 4];
	struct msg_lldp f;

	(void)state;
	memcpy(pdu, GOOD, sizeof(GOOD));
	memset(pdu + sizeof(GOOD), 0xff, 4);
	assert_int_equal(parse(pdu, sizeof(pdu), &f), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_chassis_port_ttl_and_name),
		cmocka_unit_test(every_truncation_is_refused_or_means_the_same),
		cmocka_unit_test(an_ipv4_chassis_reads_as_an_address),
		cmocka_unit_test(unprintable_bytes_read_as_question_marks),
		cmocka_unit_test(rejects_ttl_before_port),
		cmocka_unit_test(rejects_an_id_with_no_value),
		cmocka_unit_test(rejects_a_second_ttl),
		cmocka_unit_test(rejects_a_second_name),
		cmocka_unit_test(reads_all_nine_bits_of_a_tlv_length),
		cmocka_unit_test(what_follows_the_end_is_ignored),
	};

	return cmocka_run_group_tests_name("lldp", tests, NULL, NULL);
}
