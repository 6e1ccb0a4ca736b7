#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/config.h"

static struct document_error error;

static int parse(const char *text, struct msg_config *ret)
{
	memset(&error, 0, sizeof(error));
	return config_parse(text, strlen(text), ret, &error);
}

static void refuses(const char *text, uint32_t line, uint32_t column, const char *why)
{
	struct msg_config c;
	struct msg_config before;

	memset(&c, 0xa5, sizeof(c));
	before = c;
	if (parse(text, &c) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if (error.line != line || error.column != column || !strstr(error.text, why))
		fail_msg("%u:%u: %s\nfor: %s", error.line, error.column, error.text, text);
	assert_memory_equal(&c, &before, sizeof(c));
}

static void reads_names_and_fills_in_the_usual_paths(void **state)
{
	struct msg_config c;

	(void)state;
	assert_int_equal(parse("placement: dom0\nuid_base: 64000\nuplinks: [eth0, wlan0]\n"
			       "ports: [{match: host0, class: personal}, "
			       "{match: \"vif*\", class: work}]\n",
			       &c),
			 0);
	assert_int_equal(c.placement, PLACEMENT_DOM0);
	assert_int_equal(c.uid_base, 64000);
	assert_int_equal(c.n_uplinks, 2);
	assert_string_equal(c.uplink[1].ifname, "wlan0");
	assert_int_equal(c.n_ports, 2);
	assert_string_equal(c.port[1].match, "vif*");
	assert_int_equal(c.port[0].net_class, NET_CLASS_PERSONAL);
	assert_int_equal(c.port[1].net_class, NET_CLASS_WORK);
	assert_string_equal(c.tpm, "/dev/tpmrm0");
	assert_string_equal(c.state, "/var/lib/bulkhead");
	assert_string_equal(c.runtime, "/run/bulkhead");
	assert_string_equal(c.trust, "/etc/bulkhead/trust.yaml");
}

static void takes_other_paths_and_a_kind_where_they_are_given(void **state)
{
	struct msg_config c;

	(void)state;
	assert_int_equal(parse("kind: config\nversion: 1\nplacement: split\nuid_base: \"64000\"\n"
			       "tpm: /tmp/tpm/sock\nstate: /a\nruntime: /b\ntrust: /c\n",
			       &c),
			 0);
	assert_int_equal(c.placement, PLACEMENT_SPLIT);
	assert_string_equal(c.tpm, "/tmp/tpm/sock");
	assert_string_equal(c.state, "/a");
	assert_string_equal(c.runtime, "/b");
	assert_string_equal(c.trust, "/c");
}

static void refuses_what_is_unknown_twice_or_missing(void **state)
{
	(void)state;
	refuses("placement: dom0\nuid_base: 64000\nuplink: [eth0]\n", 3, 1, "unknown key 'uplink'");
	refuses("placement: dom0\nuid_base: 64000\nplacement: split\n", 3, 1,
		"a second 'placement'");
	refuses("placement: dom0\n", 1, 12, "uid_base");
	refuses("placement: cloud\nuid_base: 64000\n", 1, 12, "cloud");
	refuses("kind: policy\nplacement: dom0\nuid_base: 64000\n", 1, 7, "a policy, where");
	refuses("version: 2\nplacement: dom0\nuid_base: 64000\n", 1, 10, "version '2'");
}

static void refuses_numbers_that_two_readers_read_differently(void **state)
{
	(void)state;
	refuses("placement: dom0\nuid_base: 0o1000\n", 2, 11, "octal");
	refuses("placement: dom0\nuid_base: \"0x10000\"\n", 2, 11, "octal, hexadecimal");
	refuses("placement: dom0\nuid_base: 64_000\n", 2, 11, "decimal");
	refuses("placement: dom0\nuid_base: -64000\n", 2, 11, "decimal");
	refuses("placement: dom0\nuid_base: 12\n", 2, 11, "between 1000 and");
	refuses("placement: dom0\nuid_base: 4294967290\n", 2, 11, "between 1000 and");
}

static void refuses_links_and_paths_that_are_none(void **state)
{
	static const char head[] = "placement: dom0\nuid_base: 64000\n";
	char text[256];

	(void)state;
	(void)snprintf(text, sizeof(text), "%suplinks: [eth0, \"a b\"]\n", head);
	refuses(text, 3, 17, "not the name of a network link");
	(void)snprintf(text, sizeof(text), "%suplinks: [eth0, eth0]\n", head);
	refuses(text, 3, 17, "named twice");
	(void)snprintf(text, sizeof(text), "%suplinks: [a234567890123456]\n", head);
	refuses(text, 3, 11, "length");
	(void)snprintf(text, sizeof(text), "%sports: [{match: \"v*f\", class: work}]\n", head);
	refuses(text, 3, 9, "match is not");
	(void)snprintf(text, sizeof(text), "%sports: [{match: \"*\", class: work}]\n", head);
	refuses(text, 3, 9, "match is not");
	(void)snprintf(text, sizeof(text), "%sports: [{match: a, class: guest}]\n", head);
	refuses(text, 3, 27, "guest");
	(void)snprintf(text, sizeof(text), "%sstate: var/lib\n", head);
	refuses(text, 3, 8, "absolute");
	(void)snprintf(text, sizeof(text), "%sstate: /var/../etc\n", head);
	refuses(text, 3, 8, "absolute");
}

static void tunnels_stand_behind_the_uplinks_and_are_told_apart(void **state)
{
	struct msg_config c;

	(void)state;
	assert_int_equal(parse("placement: dom0\nuid_base: 64000\nuplinks: [en0]\n"
			       "tunnels: [wg0, tun1]\n",
			       &c),
			 0);
	assert_int_equal(c.n_uplinks, 3);
	assert_int_equal(c.uplink[0].kind, UPLINK_LAN);
	assert_string_equal(c.uplink[1].ifname, "wg0");
	assert_int_equal(c.uplink[1].kind, UPLINK_TUNNEL);
	assert_string_equal(c.uplink[2].ifname, "tun1");
	assert_int_equal(c.uplink[2].kind, UPLINK_TUNNEL);
	refuses("placement: dom0\nuid_base: 64000\nuplinks: [en0]\ntunnels: [en0]\n", 4, 11,
		"named twice");
	refuses("placement: dom0\nuid_base: 64000\nuplinks: [a, b, c, d, e]\n"
		"tunnels: [f, g, h, i]\n",
		4, 20, "more than 8");
}

static void cables_and_radios_with_a_supplicant_are_told_apart(void **state)
{
	struct msg_config c;

	(void)state;
	assert_int_equal(
		parse("placement: dom0\nuid_base: 64000\ndot1x: [en0]\nradios: [wl0]\n", &c), 0);
	assert_int_equal(c.n_uplinks, 2);
	assert_int_equal(c.uplink[0].kind, UPLINK_DOT1X);
	assert_string_equal(c.uplink[1].ifname, "wl0");
	assert_int_equal(c.uplink[1].kind, UPLINK_RADIO);
	refuses("placement: dom0\nuid_base: 64000\nuplinks: [en0]\ndot1x: [en0]\n", 4, 9,
		"named twice");
}

static void a_ninth_port_is_refused_and_not_dropped(void **state)
{
	(void)state;
	refuses("placement: dom0\nuid_base: 64000\nuplinks: [a, b, c, d, e, f, g, h, i]\n", 3, 35,
		"Excessive");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_names_and_fills_in_the_usual_paths),
		cmocka_unit_test(takes_other_paths_and_a_kind_where_they_are_given),
		cmocka_unit_test(refuses_what_is_unknown_twice_or_missing),
		cmocka_unit_test(refuses_numbers_that_two_readers_read_differently),
		cmocka_unit_test(refuses_links_and_paths_that_are_none),
		cmocka_unit_test(tunnels_stand_behind_the_uplinks_and_are_told_apart),
		cmocka_unit_test(cables_and_radios_with_a_supplicant_are_told_apart),
		cmocka_unit_test(a_ninth_port_is_refused_and_not_dropped),
	};

	return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
