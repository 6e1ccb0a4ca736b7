#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "policy/policy_diff.h"
#include "policy/policy_lint.h"

#include "tests/unit/decide_lab.h"

enum { NOW_S = 1000 };

/* One that nothing is to be said about. */
static struct policy careful(void)
{
	struct policy p = loosest();

	p.other_uplink_closes = 1;
	p.foreign_window_ms = 10000;
	p.home_enrolment = POLICY_WHO_ROOT;
	p.n_prefixes = p.n_suffixes = p.n_systems = p.n_sites = p.n_vpn = 1;
	p.prefix[0] = (struct msg_prefix){ .family = 2, .len_bits = 8, .address = { 10 } };
	strcpy(p.suffix[0], "corp.example");
	strcpy(p.system[0], "sw-*");
	strcpy(p.site[0], "hq");
	p.vpn[0] = (struct msg_endpoint){ .family = 2, .protocol = 17, .port = 51820 };
	p.pin_min = 6;
	for (unsigned i = 0; i < N_POLICY_SIGNS; i++)
		p.sign[i] = POLICY_RULE_LISTED;
	return p;
}

static unsigned n_warnings(const struct policy *p, uint64_t now, const char *word)
{
	const char *text;
	unsigned at = 0, n = 0;

	while ((text = policy_lint_next(p, now, &at)) != NULL)
		n += strstr(text, word) != NULL;
	return n;
}

static void a_careful_policy_has_no_warning(void **state)
{
	struct policy p = careful();

	(void)state;
	assert_int_equal(n_warnings(&p, NOW_S, ""), 0);
}

static void each_carelessness_has_its_warning(void **state)
{
	struct policy p;

	(void)state;
#define CARELESS(change, word)                                                                     \
	do {                                                                                       \
		p = careful();                                                                     \
		change;                                                                            \
		assert_int_equal(n_warnings(&p, NOW_S, word), 1);                                  \
		assert_int_equal(n_warnings(&p, NOW_S, ""), 1);                                    \
	} while (0)
	CARELESS(p.expires_wall_s = NOW_S, "expired");
	CARELESS(p.expires_wall_s = NOW_S + 86400, "within two weeks");
	CARELESS(p.grace_s = 31 * 86400, "grace");
	CARELESS(memset(p.sign, 0, sizeof(p.sign)), "every sign is ignored");
	CARELESS(p.n_prefixes = 0, "no corporate prefixes");
	CARELESS(p.n_suffixes = 0, "dns_suffixes");
	CARELESS(p.n_systems = 0, "lldp_systems");
	CARELESS(p.n_sites = 0, "no sites");
	CARELESS(p.other_uplink_closes = 0, "other uplinks");
	CARELESS(p.foreign_window_ms = 9999, "foreign_window");
	CARELESS(p.home_enrolment = POLICY_WHO_USER, "any program");
	CARELESS(p.foreign = POLICY_FOREIGN_ASK, "nobody can open");
	CARELESS(p.n_vpn = 0, "no VPN");
	CARELESS(p.n_tls = 1, "TLS");
	CARELESS(p.n_plain = 1, "not encrypted");
	CARELESS(p.pin_min = 4, "PINs");
#undef CARELESS
}

static void a_policy_does_not_differ_from_itself(void **state)
{
	struct policy p = careful();
	struct policy_diff d;
	unsigned at = 0;

	(void)state;
	assert_false(policy_diff_next(&p, &p, &at, &d));
}

/* What makes it looser is tighter the other way round. */
static void every_difference_has_its_direction(void **state)
{
	struct policy before = careful(), after;

	(void)state;
#define LOOSENS(edit, kind_, key)                                                                  \
	do {                                                                                       \
		struct policy_diff d;                                                              \
		unsigned at = 0;                                                                   \
		after = careful();                                                                 \
		edit;                                                                              \
		assert_true(policy_diff_next(&before, &after, &at, &d));                           \
		assert_int_equal(d.kind, kind_);                                                   \
		assert_int_equal(d.change, POLICY_LOOSER);                                         \
		assert_string_equal(d.what ? d.what : "a cell", key);                              \
		at = 0;                                                                            \
		assert_true(policy_diff_next(&after, &before, &at, &d));                           \
		assert_int_equal(d.change, POLICY_TIGHTER);                                        \
	} while (0)
	LOOSENS(after.other_uplink_closes = 0, POLICY_DIFF_VALUE, "network.other_uplink_closes");
	LOOSENS(after.foreign_window_ms = 1000, POLICY_DIFF_VALUE, "network.foreign_window");
	LOOSENS(after.home_enrolment = POLICY_WHO_USER, POLICY_DIFF_VALUE,
		"network.home_enrolment");
	LOOSENS(after.sign[POLICY_SIGN_VLAN] = POLICY_RULE_IGNORED, POLICY_DIFF_VALUE,
		"network.signs.vlan");
	LOOSENS(after.pin_min = 4, POLICY_DIFF_VALUE, "images.pin_min");
	LOOSENS(after.grace_s = 501, POLICY_DIFF_VALUE, "grace");
	LOOSENS(after.n_prefixes = 0, POLICY_DIFF_LIST, "network.corporate.prefixes");
	LOOSENS(after.n_sites = 0, POLICY_DIFF_LIST, "network.sites");
	LOOSENS(after.n_vpn = 2, POLICY_DIFF_LIST, "network.vpn");
	LOOSENS(after.n_plain = 1, POLICY_DIFF_LIST, "images.plain");
	before.foreign = POLICY_FOREIGN_ENROLLED_ONLY;
	LOOSENS(after.serial = 1, POLICY_DIFF_CELL, "a cell");
#undef LOOSENS
}

static void an_exchanged_entry_counts_as_looser(void **state)
{
	struct policy before = careful(), after = careful();
	struct policy_diff d;
	unsigned at = 0;

	(void)state;
	after.prefix[0].address[0] = 11;
	assert_true(policy_diff_next(&before, &after, &at, &d));
	assert_int_equal(d.before, 1);
	assert_int_equal(d.after, 1);
	assert_int_equal(d.change, POLICY_LOOSER);
	assert_false(policy_diff_next(&before, &after, &at, &d));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_careful_policy_has_no_warning),
		cmocka_unit_test(each_carelessness_has_its_warning),
		cmocka_unit_test(a_policy_does_not_differ_from_itself),
		cmocka_unit_test(every_difference_has_its_direction),
		cmocka_unit_test(an_exchanged_entry_counts_as_looser),
	};

	return cmocka_run_group_tests_name("policy_desk", tests, NULL, NULL);
}
