#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "netguard/wifi_text.h"

static const char SEEN[] = "02:00:00:00:01:00\t2412\t-30\t[WPA2-PSK-CCMP][ESS]\thome \\xc3\\xbc";
static const char KNOWN[] = "12\tmy\\\\net\tany\t[CURRENT]";

static void a_seen_network_is_read_and_every_truncation_means_no_more(void **state)
{
	struct wifi_seen seen = { 0 }, cut;

	(void)state;
	assert_int_equal(wifi_text_seen(SEEN, strlen(SEEN), &seen), 0);
	assert_int_equal(seen.signal_dbm, -30);
	assert_true(seen.secured && !seen.enterprise);
	assert_string_equal(seen.ssid, "home \\xc3\\xbc");
	for (size_t n = 0; n < strlen(SEEN); n++)
		if (wifi_text_seen(SEEN, n, &cut) == 0)
			assert_true(strncmp(seen.ssid, cut.ssid, strlen(cut.ssid)) == 0);
}

static void a_network_of_802_1x_is_told_apart(void **state)
{
	static const char COMPANY[] = "02:00:00:00:02:00\t2412\t-30\t[WPA2-EAP-CCMP][ESS]\tEAP";
	struct wifi_seen seen = { 0 };

	(void)state;
	assert_int_equal(wifi_text_seen(COMPANY, strlen(COMPANY), &seen), 0);
	assert_true(seen.secured && seen.enterprise);
	assert_int_equal(wifi_text_seen("a\t1\t-3\t[ESS]\tEAP", 14, &seen), 0);
	assert_false(seen.enterprise); /* it is only called so */
	assert_true(wifi_text_is_enterprise("WPA-EAP"));
	assert_true(wifi_text_is_enterprise("WPA-PSK IEEE8021X"));
	assert_true(wifi_text_is_enterprise("FILS-SHA256"));
	assert_false(wifi_text_is_enterprise("WPA-PSK SAE"));
	assert_false(wifi_text_is_enterprise("NONE"));
	assert_false(wifi_text_is_enterprise("FAIL\n"));
}

static void a_known_network_is_read_and_a_heading_is_none(void **state)
{
	static const char HEADING[] = "network id / ssid / bssid / flags";
	struct wifi_known known = { 0 };

	(void)state;
	assert_int_equal(wifi_text_known(KNOWN, strlen(KNOWN), &known), 0);
	assert_int_equal(known.id, 12);
	assert_true(known.current);
	assert_string_equal(known.ssid, "my\\\\net");
	assert_int_equal(wifi_text_known(HEADING, strlen(HEADING), &known), -EBADMSG);
	for (size_t n = 0; n + 1 < strlen("12\tmy\\\\net\tany\t"); n++)
		assert_int_equal(wifi_text_known(KNOWN, n, &known), -EBADMSG);
}

static void a_value_is_found_by_its_whole_key(void **state)
{
	static const char STATUS[] = "bssid=aa\nssid=home\nwpa_state=COMPLETED\n";
	char value[WIFI_TEXT_BYTES];

	(void)state;
	assert_int_equal(wifi_text_value(STATUS, "ssid", value), 0);
	assert_string_equal(value, "home");
	assert_int_equal(wifi_text_value(STATUS, "id", value), -ENODATA);
	assert_int_equal(wifi_text_value("ssid=a\x01\n", "ssid", value), -EBADMSG);
}

static void a_wrong_key_is_told_of_one_network_at_the_end_of_one_event(void **state)
{
#define LEFT "<3>CTRL-EVENT-SSID-TEMP-DISABLED id="
	static const char EVENT[] =
		LEFT "7 ssid=\"x\" auth_failures=1 duration=10 reason=WRONG_KEY";
	char cut[sizeof(EVENT)] = "";

	(void)state;
	assert_true(wifi_text_wrong_key(EVENT, 7));
	assert_false(wifi_text_wrong_key(EVENT, 8));
	assert_true(wifi_text_wrong_key(LEFT "7 ssid=\"x\" auth_failures=1 reason=AUTH_FAILED", 7));
	assert_false(
		wifi_text_wrong_key(LEFT "7 ssid=\" reason=WRONG_KEY\" reason=CONN_FAILED", 7));
	assert_false(wifi_text_wrong_key("<3>CTRL-EVENT-SCAN-RESULTS  reason=WRONG_KEY", 7));
	for (size_t n = 0; n < strlen(EVENT); n++) {
		memcpy(cut, EVENT, n);
		cut[n] = '\0';
		assert_false(wifi_text_wrong_key(cut, 7));
	}
}

static void one_ssid_has_one_text(void **state)
{
	char text[WIFI_TEXT_BYTES];

	(void)state;
	assert_int_equal(wifi_text_escape("a\"b\\c\n\xc3\xbc", text), 0);
	assert_string_equal(text, "a\\\"b\\\\c\\n\\xc3\\xbc");
	assert_int_equal(wifi_text_hex("a\xff", text), 0);
	assert_string_equal(text, "61ff");
	assert_int_equal(wifi_text_escape("", text), -EINVAL);
	assert_int_equal(wifi_text_hex("123456789012345678901234567890123", text), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_seen_network_is_read_and_every_truncation_means_no_more),
		cmocka_unit_test(a_network_of_802_1x_is_told_apart),
		cmocka_unit_test(a_known_network_is_read_and_a_heading_is_none),
		cmocka_unit_test(a_value_is_found_by_its_whole_key),
		cmocka_unit_test(a_wrong_key_is_told_of_one_network_at_the_end_of_one_event),
		cmocka_unit_test(one_ssid_has_one_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
