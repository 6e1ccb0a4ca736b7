#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "base/reason.h"
#include "policy/audit_line.h"

static struct audit_line sample(void)
{
	struct audit_line l = {
		.seq = 42,
		.wall_ms = UINT64_C(1893456000123),
		.record = {
			.kind = AUDIT_ZONE,
			.phase = AUDIT_EVENT,
			.reason = REASON_NET_SUSPECT,
			.policy_serial = 7,
			.subject = "eth0",
			.from = "unknown",
			.to = "suspect",
			.zone_proof = "lldp sw-1",
			.detail = "seen \"on\" port <1>",
		},
	};

	memset(l.prev, 0xab, sizeof(l.prev));
	return l;
}

#define AB8 "abababababababab"
static const char wanted[] =
	"{\"v\":1,\"seq\":42,\"prev\":\"" AB8 AB8 AB8 AB8 "\",\"t\":\"2030-01-01T00:00:00.123Z\","
	"\"kind\":\"zone\",\"phase\":\"event\",\"reason\":\"net-suspect\",\"policy\":7,"
	"\"subject\":\"eth0\",\"from\":\"unknown\",\"to\":\"suspect\",\"proof\":\"lldp sw-1\","
	"\"detail\":\"seen \\\"on\\\" port \\u003c1\\u003e\"}";

static void writes_one_line_and_reads_it_back(void **state)
{
	struct audit_line l = sample();
	struct audit_line again;
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	assert_int_equal(audit_line_build(&l, text, &n), 0);
	assert_string_equal(text, wanted);
	assert_int_equal(n, strlen(wanted));
	assert_int_equal(audit_line_parse(text, n, &again), 0);
	assert_memory_equal(&again, &l, sizeof(l));
}

static void a_checkpoint_has_numbers_instead_of_texts(void **state)
{
	struct audit_line l = sample();
	struct audit_line again;
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	memset(&l.record, 0, sizeof(l.record));
	l.record.kind = AUDIT_CHECKPOINT;
	l.record.phase = AUDIT_OUTCOME;
	l.anchored_seq = 41;
	l.counter = UINT64_MAX;
	memset(l.extended, 0xcd, sizeof(l.extended));
	assert_int_equal(audit_line_build(&l, text, &n), 0);
	assert_non_null(strstr(text,
			       ",\"anchored\":41,\"counter\":18446744073709551615,\"extended\":"
			       "\"cdcdcd"));
	assert_null(strstr(text, "\"from\""));
	assert_int_equal(audit_line_parse(text, n, &again), 0);
	assert_memory_equal(&again, &l, sizeof(l));
}

static void a_checkpoint_that_failed_is_told_in_texts(void **state)
{
	struct audit_line l = sample();
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	l.record.kind = AUDIT_CHECKPOINT;
	l.record.reason = REASON_TPM_ERROR;
	assert_false(audit_line_is_anchor(&l.record));
	assert_int_equal(audit_line_build(&l, text, &n), 0);
	assert_null(strstr(text, "extended"));
}

static void every_kind_phase_and_reason_has_a_word(void **state)
{
	(void)state;
	for (uint32_t kind = 1; kind < N_AUDIT_KINDS; kind++)
		for (uint32_t phase = 1; phase < N_AUDIT_PHASES; phase++)
			for (uint32_t reason = 0; reason < N_REASONS; reason++) {
				struct audit_line l = sample();
				struct audit_line again;
				char text[AUDIT_LINE_BYTES];
				size_t n;

				l.record.kind = kind;
				l.record.phase = phase;
				l.record.reason = reason;
				assert_int_equal(audit_line_build(&l, text, &n), 0);
				assert_int_equal(audit_line_parse(text, n, &again), 0);
				assert_int_equal(again.record.kind, kind);
				assert_int_equal(again.record.phase, phase);
				assert_int_equal(again.record.reason, reason);
			}
	assert_null(audit_line_kind_name(N_AUDIT_KINDS));
	assert_null(audit_line_phase_name(N_AUDIT_PHASES));
}

static void the_longest_record_fits(void **state)
{
	struct audit_line l = sample();
	struct audit_line again;
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	memset(l.record.subject, '<', sizeof(l.record.subject) - 1);
	memset(l.record.from, '<', sizeof(l.record.from) - 1);
	memset(l.record.to, '<', sizeof(l.record.to) - 1);
	memset(l.record.zone_proof, '<', sizeof(l.record.zone_proof) - 1);
	memset(l.record.detail, '<', sizeof(l.record.detail) - 1);
	l.seq = l.record.policy_serial = UINT64_MAX;
	assert_int_equal(audit_line_build(&l, text, &n), 0);
	assert_int_equal(audit_line_parse(text, n, &again), 0);
	assert_memory_equal(&again, &l, sizeof(l));
}

static void does_not_write_what_is_out_of_range(void **state)
{
	struct audit_line l;
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
#define REFUSES(change)                                                                            \
	do {                                                                                       \
		l = sample();                                                                      \
		change;                                                                            \
		assert_int_equal(audit_line_build(&l, text, &n), -EINVAL);                         \
	} while (0)
	REFUSES(l.record.kind = 0);
	REFUSES(l.record.kind = N_AUDIT_KINDS);
	REFUSES(l.record.phase = 0);
	REFUSES(l.record.phase = N_AUDIT_PHASES);
	REFUSES(l.record.reason = N_REASONS);
	REFUSES(l.record.subject[1] = '\n');
	REFUSES(l.record.detail[0] = '\x7f');
	REFUSES(memset(l.record.from, 'a', sizeof(l.record.from)));
#undef REFUSES
}

static void every_truncation_and_every_changed_byte_is_refused_or_seen(void **state)
{
	struct audit_line l = sample();
	struct audit_line again;
	char text[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	assert_int_equal(audit_line_build(&l, text, &n), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(audit_line_parse(text, i, &again), -EBADMSG);
	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			text[i] = (char)((unsigned char)text[i] ^ 1U << bit);
			if (audit_line_parse(text, n, &again) == 0)
				assert_memory_not_equal(&again, &l, sizeof(l));
			text[i] = (char)((unsigned char)text[i] ^ 1U << bit);
		}
}

static void other_ways_to_write_the_same_are_refused(void **state)
{
	static const char *const edits[][2] = {
		{ "\"seq\":42", "\"seq\": 42" },
		{ "\"seq\":42", "\"seq\":042" },
		{ "eth0", "\\u0065th0" },
		{ "\\u003c", "<" },
		{ "\"v\":1", "\"v\":2" },
		{ "\"policy\":7", "\"policy\":-7" },
		{ "abab", "ABAB" },
		{ "eth0", "eth0\xc3\xa4" },
		{ "unknown", "unknownunknownunknownunknownunknown" },
	};
	struct audit_line again;

	(void)state;
	for (size_t i = 0; i < sizeof(edits) / sizeof(edits[0]); i++) {
		char text[AUDIT_LINE_BYTES];
		const char *at = strstr(wanted, edits[i][0]);
		int n = snprintf(text, sizeof(text), "%.*s%s%s", (int)(at - wanted), wanted,
				 edits[i][1], at + strlen(edits[i][0]));

		assert_int_equal(audit_line_parse(text, (size_t)n, &again), -EBADMSG);
	}
	assert_int_equal(audit_line_parse(wanted, strlen(wanted), &again), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(writes_one_line_and_reads_it_back),
		cmocka_unit_test(a_checkpoint_has_numbers_instead_of_texts),
		cmocka_unit_test(a_checkpoint_that_failed_is_told_in_texts),
		cmocka_unit_test(every_kind_phase_and_reason_has_a_word),
		cmocka_unit_test(the_longest_record_fits),
		cmocka_unit_test(does_not_write_what_is_out_of_range),
		cmocka_unit_test(every_truncation_and_every_changed_byte_is_refused_or_seen),
		cmocka_unit_test(other_ways_to_write_the_same_are_refused),
	};

	return cmocka_run_group_tests_name("audit_line", tests, NULL, NULL);
}
