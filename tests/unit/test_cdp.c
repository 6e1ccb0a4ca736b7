#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/cdp.h"

/* Version 2, 180 s: device "sw1", an unknown TLV, port "Gi0/1", platform "C", VTP "v", VLAN 7. */
static const uint8_t GOOD[] = {
	2, 180, 0, 0,			       /* */
	0, 1,	0, 7, 's', 'w', '1',	       /* */
	0, 4,	0, 8, 0,   0,	0,   1,	       /* */
	0, 3,	0, 9, 'G', 'i', '0', '/', '1', /* */
	0, 6,	0, 5, 'C',		       /* */
	0, 9,	0, 5, 'v',		       /* */
	0, 10,	0, 6, 0,   7,
};

static void reads_who_is_there(void **state)
{
	struct msg_cdp f;

	(void)state;
	assert_int_equal(cdp_parse(GOOD, sizeof(GOOD), &f), 0);
	assert_string_equal(f.device, "sw1");
	assert_string_equal(f.port, "Gi0/1");
	assert_string_equal(f.platform, "C");
	assert_string_equal(f.vtp_domain, "v");
	assert_int_equal(f.native_vlan, 7);
	assert_int_equal(f.hold_s, 180);
}

static void every_truncation_is_refused_or_ends_between_two_tlvs(void **state)
{
	static const size_t ends[] = { 11, 19, 28, 33, 38, 44 };
	size_t at = 0;
	struct msg_cdp f;

	(void)state;
	for (size_t n = 0; n <= sizeof(GOOD); n++) {
		int want = at < 6 && n == ends[at] ? 0 : -EBADMSG;

		at += want == 0;
		assert_int_equal(cdp_parse(GOOD, n, &f), want);
	}
	assert_int_equal(at, 6);
}

static void a_wrong_version_or_length_is_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = { { 0, 0 }, { 0, 3 }, { 7, 3 }, { 7, 0 }, { 7, 200 }, { 41, 5 } };
	struct msg_cdp f = { .hold_s = 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t pdu[sizeof(GOOD)];

		memcpy(pdu, GOOD, sizeof(pdu));
		pdu[bad[i].at] = bad[i].value;
		assert_int_equal(cdp_parse(pdu, sizeof(pdu), &f), -EBADMSG);
		assert_int_equal(f.hold_s, 9);
	}
}

static void a_text_is_cut_and_made_printable(void **state)
{
	uint8_t pdu[4 + 4 + 200] = { 1, 10, 0, 0, 0, 1, 0, 204, 0x1b, 0xff, 0 };
	struct msg_cdp f;

	(void)state;
	memset(pdu + 11, 'x', 197);
	assert_int_equal(cdp_parse(pdu, sizeof(pdu), &f), 0);
	assert_memory_equal(f.device, "???xxx", 6);
	assert_int_equal(strlen(f.device), MSG_NAME_BYTES - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_who_is_there),
		cmocka_unit_test(every_truncation_is_refused_or_ends_between_two_tlvs),
		cmocka_unit_test(a_wrong_version_or_length_is_refused),
		cmocka_unit_test(a_text_is_cut_and_made_printable),
	};

	return cmocka_run_group_tests_name("cdp", tests, NULL, NULL);
}
