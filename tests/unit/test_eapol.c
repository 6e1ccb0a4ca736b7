#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/eapol.h"

/* Request/Identity with the text "corp", padded to Ethernet's least length. */
static const uint8_t REQUEST[46] = { 2, 0, 0, 9, 1, 0x11, 0, 9, 1, 'c', 'o', 'r', 'p' };

static void reads_a_request_for_identity(void **state)
{
	struct msg_eapol f;
	const char *what;

	(void)state;
	assert_int_equal(eapol_parse(REQUEST, sizeof(REQUEST), &f), 0);
	assert_int_equal(f.packet_type, 0);
	assert_int_equal(f.eap_code, 1);
	assert_int_equal(f.eap_type, 1);
	assert_string_equal(f.identity, "corp");
	assert_true(eapol_is_network(&f, &what));
	assert_string_equal(what, "request");
}

static void every_truncation_of_the_packet_is_refused(void **state)
{
	struct msg_eapol f;

	(void)state;
	for (size_t n = 0; n < 13; n++)
		assert_int_equal(eapol_parse(REQUEST, n, &f), -EBADMSG);
	assert_int_equal(eapol_parse(REQUEST, 13, &f), 0);
}

static void the_name_of_a_user_is_not_taken(void **state)
{
	uint8_t pdu[sizeof(REQUEST)];
	struct msg_eapol f;
	const char *what;

	(void)state;
	memcpy(pdu, REQUEST, sizeof(pdu));
	pdu[4] = 2; /* a response: somebody's log-in name */
	assert_int_equal(eapol_parse(pdu, sizeof(pdu), &f), 0);
	assert_string_equal(f.identity, "");
	assert_false(eapol_is_network(&f, &what));
}

static void lengths_that_contradict_each_other_are_refused(void **state)
{
	static const struct {
		size_t at;
		uint8_t value;
	} bad[] = { { 3, 43 }, { 3, 3 }, { 7, 10 }, { 7, 3 }, { 7, 4 }, { 4, 0 }, { 4, 7 } };
	struct msg_eapol f;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint8_t pdu[sizeof(REQUEST)];

		memcpy(pdu, REQUEST, sizeof(pdu));
		pdu[bad[i].at] = bad[i].value;
		assert_int_equal(eapol_parse(pdu, sizeof(pdu), &f), -EBADMSG);
	}
}

static void of_other_types_the_type_is_enough(void **state)
{
	static const bool network[] = { [1] = false, [2] = false, [3] = false, [4] = false,
					[5] = true,  [6] = true,  [7] = true,  [8] = false };
	struct msg_eapol f;
	const char *what;

	(void)state;
	for (unsigned type = 1; type <= 8; type++) {
		uint8_t pdu[] = { 3, (uint8_t)type, 0, 2, 0xff, 0xff };

		assert_int_equal(eapol_parse(pdu, sizeof(pdu), &f), 0);
		assert_int_equal(f.packet_type, type);
		assert_int_equal(f.eap_code, 0);
		assert_int_equal(eapol_is_network(&f, &what), network[type]);
	}
}

static void success_and_failure_are_the_networks_words(void **state)
{
	struct msg_eapol f;
	const char *what;

	(void)state;
	for (uint8_t code = 3; code <= 4; code++) {
		const uint8_t pdu[] = { 1, 0, 0, 4, code, 0, 0, 4 };

		assert_int_equal(eapol_parse(pdu, sizeof(pdu), &f), 0);
		assert_true(eapol_is_network(&f, &what));
		assert_string_equal(what, "result");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_request_for_identity),
		cmocka_unit_test(every_truncation_of_the_packet_is_refused),
		cmocka_unit_test(the_name_of_a_user_is_not_taken),
		cmocka_unit_test(lengths_that_contradict_each_other_are_refused),
		cmocka_unit_test(of_other_types_the_type_is_enough),
		cmocka_unit_test(success_and_failure_are_the_networks_words),
	};

	return cmocka_run_group_tests_name("eapol", tests, NULL, NULL);
}
