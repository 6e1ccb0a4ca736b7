#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/policy_doc.h"

#define HEAD                                                                                       \
	"kind: policy\nversion: 1\nserial: 7\nissued: 2030-01-01T00:00:00Z\n"                      \
	"expires: 2030-02-01T00:00:00Z\n"
#define CORPORATE "  corporate:\n    dns_suffixes: [corp.example]\n"
#define SMALLEST  HEAD "network:\n" CORPORATE

static struct document_error error;

static int parse(const char *text, struct policy *ret)
{
	memset(&error, 0, sizeof(error));
	return policy_doc_parse(text, strlen(text), ret, &error);
}

static void refuses(const char *text, uint32_t line, uint32_t column, const char *why)
{
	struct policy p;

	if (parse(text, &p) != -EBADMSG)
		fail_msg("accepted: %s", text);
	if (error.line != line || error.column != column || !strstr(error.text, why))
		fail_msg("%u:%u: %s\nfor: %s", error.line, error.column, error.text, text);
}

static void what_is_left_out_has_the_tighter_value(void **state)
{
	struct policy p;

	(void)state;
	if (parse(SMALLEST, &p) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	assert_int_equal(p.serial, 7);
	assert_int_equal(p.issued_wall_s, 1893456000);
	assert_int_equal(p.expires_wall_s, 1896134400);
	assert_int_equal(p.grace_s, 0);
	assert_int_equal(p.foreign, POLICY_FOREIGN_ENROLLED_ONLY);
	assert_int_equal(p.home_allowed, 1);
	assert_int_equal(p.work_proven, 1);
	assert_int_equal(p.other_uplink_closes, 1);
	assert_int_equal(p.foreign_window_ms, 10000);
	assert_int_equal(p.home_window_ms, 1500);
	assert_int_equal(p.sign[POLICY_SIGN_LLDP], POLICY_RULE_ANY);
	assert_int_equal(p.sign[POLICY_SIGN_CDP], POLICY_RULE_ANY);
	assert_int_equal(p.sign[POLICY_SIGN_DHCP_DOMAIN], POLICY_RULE_LISTED);
	assert_int_equal(p.sign[POLICY_SIGN_DHCP_PRIVATE], POLICY_RULE_ANY);
	assert_int_equal(p.sign[POLICY_SIGN_DHCP_VENDOR], POLICY_RULE_ANY);
	assert_int_equal(p.sign[POLICY_SIGN_ADDRESS], POLICY_RULE_LISTED);
	assert_int_equal(p.sign[POLICY_SIGN_RA], POLICY_RULE_LISTED);
	assert_int_equal(p.sign[POLICY_SIGN_EAPOL], POLICY_RULE_ANY);
	assert_int_equal(p.sign[POLICY_SIGN_VLAN], POLICY_RULE_ANY);
	assert_int_equal(p.pin_min, 6);
	assert_int_equal(p.n_plain, 0);
	assert_int_equal(p.checkpoint_every_s, 900);
	assert_int_equal(p.n_suffixes, 1);
	assert_string_equal(p.suffix[0], "corp.example");
}

static void reads_every_field(void **state)
{
	static const uint8_t fd00[16] = { 0xfd, 0x00, 0x12 };
	struct policy p;

	(void)state;
	if (parse(HEAD
		  "grace: 72h\nnetwork:\n  foreign: allow\n  home: deny\n  work_on_proven: deny\n"
		  "  other_uplink: ignore\n  foreign_window: 3s\n  home_window: 250ms\n"
		  "  signs: {lldp: listed, cdp: listed, dhcp_domain: any, dhcp_private: ignored,\n"
		  "    dhcp_vendor: ignored, address: ignored, ra: ignored, eapol: ignored,\n"
		  "    vlan: ignored}\n"
		  "  corporate:\n    prefixes: [10.0.0.0/8, \"fd00:1200::/24\"]\n"
		  "    dns_suffixes: [corp.example, x]\n    lldp_systems: [\"sw-*\"]\n"
		  "  sites: [hq, lab-2]\nimages:\n  require_encryption: true\n  pin_min: 8\n"
		  "  plain_allowed:\n"
		  "    - \"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\"\n"
		  "audit:\n  checkpoint_every: 1h\n",
		  &p) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	assert_int_equal(p.grace_s, 72 * 3600);
	assert_int_equal(p.foreign, POLICY_FOREIGN_ALLOW);
	assert_int_equal(p.home_allowed, 0);
	assert_int_equal(p.work_proven, 0);
	assert_int_equal(p.other_uplink_closes, 0);
	assert_int_equal(p.foreign_window_ms, 3000);
	assert_int_equal(p.home_window_ms, 250);
	assert_int_equal(p.sign[POLICY_SIGN_LLDP], POLICY_RULE_LISTED);
	assert_int_equal(p.sign[POLICY_SIGN_DHCP_DOMAIN], POLICY_RULE_ANY);
	for (unsigned i = POLICY_SIGN_DHCP_PRIVATE; i < N_POLICY_SIGNS; i++)
		assert_int_equal(p.sign[i], POLICY_RULE_IGNORED);
	assert_int_equal(p.n_prefixes, 2);
	assert_int_equal(p.prefix[0].family, AF_INET);
	assert_int_equal(p.prefix[0].len_bits, 8);
	assert_int_equal(p.prefix[0].address[0], 10);
	assert_int_equal(p.prefix[1].family, AF_INET6);
	assert_int_equal(p.prefix[1].len_bits, 24);
	assert_memory_equal(p.prefix[1].address, fd00, 16);
	assert_int_equal(p.n_suffixes, 2);
	assert_string_equal(p.system[0], "sw-*");
	assert_string_equal(p.site[1], "lab-2");
	assert_int_equal(p.pin_min, 8);
	assert_int_equal(p.n_plain, 1);
	assert_int_equal(p.plain_sha256[0][1], 0x11);
	assert_int_equal(p.checkpoint_every_s, 3600);
}

static void no_cell_opens_that_the_schema_does_not_name(void **state)
{
	(void)state;
	refuses(HEAD "network:\n  suspect: allow\n" CORPORATE, 7, 3, "unknown key 'suspect'");
	refuses(HEAD "network:\n  foreign: \"yes\"\n" CORPORATE, 7, 12, "yes");
	refuses(HEAD "network:\n  foreign: 2\n" CORPORATE, 7, 12, "ENUM");
	refuses(HEAD "network:\n  signs: {lldp: ignored}\n" CORPORATE, 7, 17, "ignored");
	refuses(SMALLEST "images: {require_encryption: false}\n", 9, 30, "false");
	refuses(SMALLEST "images: {require_encryption: maybe}\n", 9, 30, "maybe");
}

static void dates_must_be_utc_and_in_order(void **state)
{
	(void)state;
	refuses("kind: policy\nversion: 1\nserial: 7\nissued: 2030-01-01\n"
		"expires: 2030-02-01T00:00:00Z\nnetwork:\n" CORPORATE,
		4, 9, "not a UTC time");
	refuses("kind: policy\nversion: 1\nserial: 7\nissued: 2030-01-01T00:00:00+01:00\n"
		"expires: 2030-02-01T00:00:00Z\nnetwork:\n" CORPORATE,
		4, 9, "length");
	refuses("kind: policy\nversion: 1\nserial: 7\nissued: 2030-02-01T00:00:00Z\n"
		"expires: 2030-02-01T00:00:00Z\nnetwork:\n" CORPORATE,
		5, 10, "not later than issued");
}

static void prefixes_are_networks(void **state)
{
	static const char *const bad[] = { "10.0.0.0",	  "10.0.0.1/8",	 "10.0.0.0/33",
					   "10.0.0/8",	  "10.0.0.0/08", "fd00::1/64",
					   "fd00::/129",  "::ffff/8",	 "corp.example/8",
					   "10.0.0.0/8/8" };
	char text[512];

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		(void)snprintf(text, sizeof(text),
			       "%snetwork:\n  corporate:\n    prefixes: [\"fd00::/8\", \"%s\"]\n",
			       HEAD, bad[i]);
		refuses(text, 8, 28, "not an address prefix");
	}
}

static void names_must_be_names(void **state)
{
	(void)state;
	refuses(HEAD "network:\n  corporate:\n    dns_suffixes: [.corp.example]\n", 8, 20,
		"domain");
	refuses(HEAD "network:\n  corporate:\n    dns_suffixes: [corp.example.]\n", 8, 20,
		"domain");
	refuses(HEAD "network:\n  corporate:\n    dns_suffixes: [Corp.example]\n", 8, 20, "domain");
	refuses(HEAD "network:\n  corporate:\n    dns_suffixes: [corp..example]\n", 8, 20,
		"domain");
	refuses(HEAD "network:\n  sites: [\"../x\"]\n" CORPORATE, 7, 11, "not a name");
	refuses(HEAD "network:\n  corporate:\n    dns_suffixes: [c]\n    lldp_systems: [\"*x\"]\n",
		9, 20, "at most one '*'");
}

static void outside_is_closed_until_the_policy_names_hosts(void **state)
{
	static const uint8_t v6[16] = { 0x20, 0x01, 0x0d, 0xb8, [15] = 5 };
	struct policy p;

	(void)state;
	assert_int_equal(parse(SMALLEST, &p), 0);
	assert_int_equal(p.n_vpn, 0);
	assert_int_equal(p.work_tunnel, 1);
	assert_int_equal(p.portal_allowed, 0);
	assert_int_equal(p.portal_ms, 300000);
	if (parse(HEAD "network:\n  work_on_tunnel: deny\n  portal: allow\n  portal_time: 5s\n"
		       "  vpn:\n    - {address: 203.0.113.5, protocol: udp, port: 51820}\n"
		       "    - {address: \"2001:db8::5\", protocol: esp}\n"
		       "    - {address: 203.0.113.5, protocol: tcp, port: 443}\n" CORPORATE,
		  &p) != 0)
		fail_msg("%u:%u: %s", error.line, error.column, error.text);
	assert_int_equal(p.work_tunnel, 0);
	assert_int_equal(p.portal_allowed, 1);
	assert_int_equal(p.portal_ms, 5000);
	assert_int_equal(p.n_vpn, 3);
	assert_int_equal(p.vpn[0].family, AF_INET);
	assert_int_equal(p.vpn[0].protocol, 17);
	assert_int_equal(p.vpn[0].port, 51820);
	assert_int_equal(p.vpn[1].family, AF_INET6);
	assert_int_equal(p.vpn[1].protocol, 50);
	assert_int_equal(p.vpn[1].port, 0);
	assert_memory_equal(p.vpn[1].address, v6, sizeof(v6));
	assert_int_equal(p.vpn[2].protocol, 6);
}

static void an_endpoint_is_one_host_and_one_port(void **state)
{
	static const struct {
		const char *entry, *why;
	} bad[] = {
		{ "{address: vpn.corp.example, protocol: udp, port: 1}", "would need DNS" },
		{ "{address: 203.0.113.0/24, protocol: udp, port: 1}", "address is not one" },
		{ "{address: 0.0.0.0, protocol: udp, port: 1}", "address is not one" },
		{ "{address: 127.0.0.1, protocol: udp, port: 1}", "address is not one" },
		{ "{address: 169.254.0.1, protocol: udp, port: 1}", "address is not one" },
		{ "{address: 224.0.0.1, protocol: udp, port: 1}", "address is not one" },
		{ "{address: 255.255.255.255, protocol: udp, port: 1}", "address is not one" },
		{ "{address: \"::\", protocol: udp, port: 1}", "address is not one" },
		{ "{address: \"::ffff:1.2.3.4\", protocol: udp, port: 1}", "address is not one" },
		{ "{address: \"fe80::1\", protocol: udp, port: 1}", "address is not one" },
		{ "{address: \"ff02::1\", protocol: udp, port: 1}", "address is not one" },
		{ "{address: 203.0.113.5, protocol: udp}", "need a port" },
		{ "{address: 203.0.113.5, protocol: esp, port: 1}", "esp has no port" },
		{ "{address: 203.0.113.5, protocol: tcp, port: 0}", "port is not" },
		{ "{address: 203.0.113.5, protocol: tcp, port: 65536}", "port is not" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%snetwork:\n  vpn:\n    - %s\n" CORPORATE, HEAD,
			       bad[i].entry);
		refuses(text, 8, 7, bad[i].why);
	}
	refuses(HEAD
		"network:\n  vpn:\n    - {address: 1.2.3.4, protocol: icmp, port: 1}\n" CORPORATE,
		8, 36, "icmp");
	refuses(HEAD "network:\n  vpn:\n    - {address: 1.2.3.4, protocol: udp, port: 1}\n"
		     "    - {address: 1.2.3.4, protocol: udp, port: 1}\n" CORPORATE,
		9, 7, "named twice");
	refuses(HEAD "network:\n  portal_time: 301s\n" CORPORATE, 7, 16, "");
	refuses(HEAD "network:\n  portal_time: 0s\n" CORPORATE, 7, 16, "");
}

#define PIN "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff"

static void proofs_are_hosts_and_pins(void **state)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{ "tunnel_beacons: [beacon.example]", "not an address of one machine" },
		{ "tunnel_beacons: [10.0.0.0/8]", "not an address of one machine" },
		{ "tunnel_beacons: [224.0.0.1]", "not an address of one machine" },
		{ "tls_probes: [{address: 0.0.0.0, port: 1, spki_sha256: " PIN "}]", "machine" },
		{ "tls_probes: [{address: \"ff02::1\", port: 1, spki_sha256: " PIN "}]",
		  "machine" },
		{ "tls_probes: [{address: x.example, port: 1, spki_sha256: " PIN "}]", "machine" },
		{ "tls_probes: [{address: 10.0.0.2, port: 0, spki_sha256: " PIN "}]", "port" },
		{ "tls_probes: [{address: 10.0.0.2, port: 65536, spki_sha256: " PIN "}]", "port" },
		{ "tls_probes: [{address: 10.0.0.2, port: 1, spki_sha256: 00}]", "hexadecimal" },
	};
	struct policy p;

	(void)state;
	assert_int_equal(parse(SMALLEST, &p), 0);
	assert_int_equal(p.n_tls + p.n_tunnel_beacons + p.tls_any, 0);
	assert_int_equal(parse(HEAD "network:\n  tunnel_beacons: [10.0.0.1, \"fd00::1\"]\n"
				    "  tls_probes:\n    - {address: 10.0.0.2, port: 443, "
				    "spki_sha256: " PIN "}\n" CORPORATE,
			       &p),
			 0);
	assert_int_equal(p.n_tunnel_beacons, 2);
	assert_int_equal(p.tunnel_beacon[1].family, AF_INET6);
	assert_int_equal(p.n_tls, 1);
	assert_int_equal(p.tls_any, 0); /* all must answer */
	assert_int_equal(p.tls[0].server.protocol, 6);
	assert_int_equal(p.tls[0].server.port, 443);
	assert_int_equal(p.tls[0].pin[31], 0xff);
	assert_int_equal(parse(HEAD "network:\n  tls_need: any\n" CORPORATE, &p), 0);
	assert_int_equal(p.tls_any, 1);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		char text[512];

		(void)snprintf(text, sizeof(text), "%snetwork:\n  %s\n" CORPORATE, HEAD,
			       bad[i].text);
		assert_int_equal(policy_doc_parse(text, strlen(text), &p, &error), -EBADMSG);
		assert_non_null(strstr(error.text, bad[i].why));
	}
}

static void a_policy_that_could_see_no_company_is_refused(void **state)
{
	(void)state;
	refuses(HEAD "network:\n  corporate: {}\n", 7, 14, "neither prefixes nor dns_suffixes");
	refuses(HEAD "network:\n  signs: {lldp: listed}\n" CORPORATE, 7, 10,
		"needs network.corporate.lldp_systems");
}

static void windows_and_limits_have_bounds(void **state)
{
	(void)state;
	refuses(HEAD "network:\n  foreign_window: 0s\n" CORPORATE, 7, 19, "between 1000 ms");
	refuses(HEAD "network:\n  foreign_window: 10\n" CORPORATE, 7, 19, "not a duration");
	refuses(HEAD "network:\n  home_window: 1h\n" CORPORATE, 7, 16, "between 250 ms");
	refuses(SMALLEST "grace: 400d\n", 9, 8, "between 0 ms");
	refuses(SMALLEST "images: {pin_min: 3}\n", 9, 19, "between 4 and 64");
	refuses(SMALLEST "audit: {checkpoint_every: 1m}\n", 9, 27, "between 900000 ms");
	refuses("kind: policy\nversion: 1\nserial: 0\nissued: 2030-01-01T00:00:00Z\n"
		"expires: 2030-02-01T00:00:00Z\nnetwork:\n" CORPORATE,
		3, 9, "between 1 and");
}

static void every_truncation_is_refused_or_lacks_only_its_end(void **state)
{
	struct policy whole;

	(void)state;
	assert_int_equal(parse(SMALLEST, &whole), 0);
	for (size_t n = 0; n < strlen(SMALLEST) - 1; n++) {
		struct policy p;
		struct document_error e;
		int r = policy_doc_parse(SMALLEST, n, &p, &e);

		/* a shorter suffix list entry is still a list only with its bracket */
		assert_int_equal(r, -EBADMSG);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_left_out_has_the_tighter_value),
		cmocka_unit_test(reads_every_field),
		cmocka_unit_test(no_cell_opens_that_the_schema_does_not_name),
		cmocka_unit_test(dates_must_be_utc_and_in_order),
		cmocka_unit_test(prefixes_are_networks),
		cmocka_unit_test(names_must_be_names),
		cmocka_unit_test(outside_is_closed_until_the_policy_names_hosts),
		cmocka_unit_test(an_endpoint_is_one_host_and_one_port),
		cmocka_unit_test(proofs_are_hosts_and_pins),
		cmocka_unit_test(a_policy_that_could_see_no_company_is_refused),
		cmocka_unit_test(windows_and_limits_have_bounds),
		cmocka_unit_test(every_truncation_is_refused_or_lacks_only_its_end),
	};

	return cmocka_run_group_tests_name("policy_doc", tests, NULL, NULL);
}
