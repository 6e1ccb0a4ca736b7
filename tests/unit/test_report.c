#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sodium.h>

#include "base/reason.h"
#include "policy/report.h"

static struct report *report;
static struct audit_verify verify;
static struct audit_chain chain;
static uint64_t now_ms;

static int fresh(void **state)
{
	(void)state;
	if (sodium_init() < 0 || report_new(&report) < 0)
		return -1;
	audit_verify_begin(&verify, NULL);
	audit_chain_begin(&chain);
	now_ms = UINT64_C(1893456000000);
	return 0;
}

static int gone(void **state)
{
	(void)state;
	report_free(report);
	report = NULL;
	return 0;
}

static void add(const struct msg_audit *record)
{
	char line[AUDIT_LINE_BYTES];
	struct audit_line parsed;
	size_t n;

	assert_int_equal(audit_build(&chain, record, now_ms, line, &n), 0);
	audit_chain_advance(&chain, line, n);
	assert_int_equal(audit_verify_line(&verify, line, n, &parsed), 0);
	assert_int_equal(report_add(report, &parsed), 0);
	now_ms += 1000;
}

static void event(enum audit_kind kind, enum reason reason, const char *subject, const char *from,
		  const char *to, const char *detail)
{
	struct msg_audit r = { .kind = kind, .phase = AUDIT_EVENT, .reason = reason };

	if (kind == AUDIT_UNLOCK || kind == AUDIT_GRANT)
		r.phase = AUDIT_OUTCOME;
	(void)snprintf(r.subject, sizeof(r.subject), "%s", subject);
	(void)snprintf(r.from, sizeof(r.from), "%s", from);
	(void)snprintf(r.to, sizeof(r.to), "%s", to);
	(void)snprintf(r.detail, sizeof(r.detail), "%s", detail);
	add(&r);
}

/* The whole output; freed by the next call. */
static const char *written(void (*write)(const struct report *, FILE *))
{
	static char *text;
	size_t n;
	FILE *f;

	free(text);
	text = NULL;
	f = open_memstream(&text, &n);
	assert_non_null(f);
	write(report, f);
	assert_int_equal(fclose(f), 0);
	return text;
}

static void finish(const struct report_facts *facts)
{
	static const struct report_facts plain = { .source = "audit", .made_wall_s = 1893460000 };
	struct audit_break b;
	int r = audit_verify_end(&verify, 0, &b);

	report_finish(report, &verify, r < 0 ? &b : NULL, facts ? facts : &plain);
}

static void has(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static void has_not(const char *text, const char *part)
{
	if (strstr(text, part))
		fail_msg("'%s' is in: %s", part, text);
}

static void an_empty_log_shows_nothing_and_says_so(void **state)
{
	const char *json;

	(void)state;
	finish(NULL);
	json = written(report_json);
	has(json, "\"verdict\":\"unknown\"");
	has(json, "\"records\":0");
	has(written(report_html), "cannot be shown");
}

static void zones_become_spans(void **state)
{
	const char *json;

	(void)state;
	event(AUDIT_START, REASON_OK, "bulkheadd", "", "", "");
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "suspect", "");
	event(AUDIT_ZONE, REASON_OK, "eth0", "suspect", "proven", "");
	event(AUDIT_STOP, REASON_OK, "bulkheadd", "", "", "");
	finish(NULL);
	json = written(report_json);
	has(json,
	    "{\"uplink\":\"eth0\",\"zone\":\"suspect\",\"proof\":\"\",\"from\":\"2030-01-01T00:"
	    "00:01.000Z\",\"to\":\"2030-01-01T00:00:02.000Z\",\"open\":false}");
	has(json,
	    "{\"uplink\":\"eth0\",\"zone\":\"proven\",\"proof\":\"\",\"from\":\"2030-01-01T00:"
	    "00:02.000Z\",\"to\":\"2030-01-01T00:00:03.000Z\",\"open\":false}");
	has(written(report_html), "class=\"z-proven\"");
}

static void grant(enum audit_phase phase, const char *from, const char *to)
{
	struct msg_audit r = { .kind = AUDIT_GRANT, .phase = (uint32_t)phase };

	(void)snprintf(r.subject, sizeof(r.subject), "host0");
	(void)snprintf(r.from, sizeof(r.from), "%s", from);
	(void)snprintf(r.to, sizeof(r.to), "%s", to);
	add(&r);
}

#define PERSONAL "open-less-corporate"

static void personal_opened_on_the_companys_network_is_a_broken_promise(void **state)
{
	struct report_facts facts = { .source = "audit", .other_uplink_ignored = true };

	(void)state;
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "suspect", "");
	grant(AUDIT_INTENT, "closed", PERSONAL);
	finish(NULL);
	has(written(report_json), "\"verdict\":\"bad\",\"title\":\"Company network\"");
	(void)gone(NULL);
	(void)fresh(NULL);
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "suspect", "");
	grant(AUDIT_INTENT, "closed", PERSONAL);
	finish(&facts);
	has(written(report_json), "\"verdict\":\"note\",\"title\":\"Company network\"");
}

static void personal_elsewhere_and_work_there_are_not(void **state)
{
	const char *json;

	(void)state;
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "proven", "");
	grant(AUDIT_INTENT, "closed", "open");
	grant(AUDIT_OUTCOME, "closed", "open");
	event(AUDIT_ZONE, REASON_OK, "eth0", "proven", "foreign", "");
	grant(AUDIT_INTENT, "closed", PERSONAL);
	grant(AUDIT_OUTCOME, "closed", PERSONAL);
	finish(NULL);
	json = written(report_json);
	has(json, "\"verdict\":\"good\",\"title\":\"Company network\"");
	has(json, "opened 1 times, never");
}

static void how_long_a_closing_took_is_told(void **state)
{
	(void)state;
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "foreign", "");
	grant(AUDIT_OUTCOME, "closed", PERSONAL);
	event(AUDIT_ZONE, REASON_OK, "eth0", "foreign", "suspect", "");
	now_ms -= 993;
	grant(AUDIT_EVENT, PERSONAL, "closed");
	finish(NULL);
	has(written(report_json), "closed 1 times because one came there, within 7 ms");
}

static void personal_that_stays_open_is_a_broken_promise(void **state)
{
	(void)state;
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "foreign", "");
	grant(AUDIT_OUTCOME, "closed", PERSONAL);
	event(AUDIT_ZONE, REASON_OK, "eth0", "foreign", "suspect", "");
	now_ms += 5000;
	event(AUDIT_ROLE, REASON_OK, "sniff", "", "", "");
	finish(NULL);
	has(written(report_json), "\"verdict\":\"bad\",\"title\":\"Company network\"");
}

static void a_start_without_a_stop_is_a_gap_without_a_witness(void **state)
{
	const char *json;

	(void)state;
	event(AUDIT_START, REASON_OK, "bulkheadd", "", "", "");
	event(AUDIT_UNLOCK, REASON_OK, "corp", "", "", "");
	now_ms += 3600000;
	event(AUDIT_START, REASON_OK, "bulkheadd", "", "", "");
	finish(NULL);
	json = written(report_json);
	has(json,
	    "\"gaps\":[{\"from\":\"2030-01-01T00:00:01.000Z\",\"to\":\"2030-01-01T01:00:02.000Z\""
	    ",\"orderly\":false}]");
	/* the keys were in the memory of a process that is gone */
	has(json, "{\"name\":\"corp\",\"unlocked\":false,\"unlocks\":1");
}

static void disks_count_unlocks_and_refusals(void **state)
{
	const char *json;

	(void)state;
	event(AUDIT_UNLOCK, REASON_PIN_WRONG, "corp", "", "", "");
	event(AUDIT_UNLOCK, REASON_OK, "corp", "", "", "");
	finish(NULL);
	json = written(report_json);
	has(json, "\"name\":\"corp\",\"unlocked\":true,\"unlocks\":1,\"refused\":1");
	has(json, "\"last_refusal\":\"pin-wrong\"");
	has(written(report_html), reason_text(REASON_PIN_WRONG));
}

static void work(enum audit_phase phase, enum reason reason, const char *to)
{
	struct msg_audit r = { .kind = AUDIT_DISK, .phase = phase, .reason = reason };

	(void)snprintf(r.subject, sizeof(r.subject), "corp");
	(void)snprintf(r.to, sizeof(r.to), "%s", to);
	add(&r);
}

static void a_leaf_that_was_put_back_is_bad(void **state)
{
	(void)state;
	event(AUDIT_UNLOCK, REASON_OK, "corp", "", "", "leaf session 7 was closed cleanly");
	event(AUDIT_UNLOCK, REASON_OK, "corp", "", "", "leaf session 6 was closed cleanly");
	work(AUDIT_INTENT, REASON_OK, "new MAC");
	finish(NULL);
	has(written(report_json), "\"put_back\":1,\"not_closed\":0,\"vouched\":1");
	has(written(report_json), "\"verdict\":\"bad\",\"title\":\"Put back\"");
}

/* An intent whose end is missing is one: the plaintext may be there. */
static void what_was_made_plain_is_counted(void **state)
{
	(void)state;
	work(AUDIT_INTENT, REASON_OK, "exported");
	work(AUDIT_OUTCOME, REASON_OK, "exported");
	work(AUDIT_INTENT, REASON_OK, "new key");
	work(AUDIT_OUTCOME, REASON_WORK_FAILED, "new key");
	work(AUDIT_INTENT, REASON_OK, "plain");
	work(AUDIT_INTENT, REASON_OK, "plain"); /* the log was silent: it did not begin */
	work(AUDIT_OUTCOME, REASON_NET_NO_AUDIT, "plain");
	finish(NULL);
	has(written(report_json), "\"conversions\":2,\"made_plain\":2");
	has(written(report_json), "\"verdict\":\"note\",\"title\":\"Plaintext\"");
	has(written(report_html), "2 times a recovery key made a disk");
}

static void without_plaintext_the_report_says_so(void **state)
{
	(void)state;
	event(AUDIT_UNLOCK, REASON_OK, "corp", "", "", "");
	work(AUDIT_INTENT, REASON_OK, "encrypted");
	finish(NULL);
	has(written(report_json), "\"verdict\":\"good\",\"title\":\"Plaintext\"");
}

static void a_broken_chain_is_the_verdict(void **state)
{
	char line[] = "not a record";

	(void)state;
	event(AUDIT_START, REASON_OK, "bulkheadd", "", "", "");
	(void)audit_verify_line(&verify, line, strlen(line), NULL);
	finish(NULL);
	has(written(report_json), "\"verdict\":\"bad\",\"records\"");
	has(written(report_json), "\"fault\":\"syntax\",\"line\":2");
	has(written(report_html), "Something is broken");
}

static void an_expired_policy_is_told(void **state)
{
	struct report_facts facts = {
		.source = "audit",
		.device = "LAPTOP-0042",
		.placement = "dom0",
		.made_wall_s = 1893460000,
		.has_policy = true,
		.policy_serial = 7,
		.policy_expires_wall_s = 1893450000,
	};

	(void)state;
	finish(&facts);
	has(written(report_json), "\"device\":\"LAPTOP-0042\",\"placement\":\"dom0\"");
	has(written(report_json), "Serial 7, expired 2029-12-31T22:20:00Z");
}

static void nothing_in_the_log_becomes_markup_or_script(void **state)
{
	const char *html;

	(void)state;
	event(AUDIT_ZONE, REASON_OK, "<script>x", "<b>", "'\"&", "<img src=x onerror=y>");
	event(AUDIT_UNLOCK, REASON_OK, "</table>", "", "", "");
	finish(NULL);
	html = written(report_html);
	has_not(html, "<script");
	has_not(html, "<img");
	has_not(html, "<td></table>");
	has(html, "<td>&lt;/table&gt;</td>");
	has(html, "&lt;script&gt;x");
	has(html, "&lt;img src=x onerror=y&gt;");
	has_not(written(report_json), "<");
}

static void the_page_needs_nothing_from_elsewhere(void **state)
{
	const char *html;

	(void)state;
	event(AUDIT_ZONE, REASON_OK, "eth0", "unknown", "foreign", "");
	finish(NULL);
	html = written(report_html);
	has_not(html, "http:");
	has_not(html, "https:");
	has_not(html, " src=");
	has_not(html, "url(");
	has(html, "<html lang=\"en\">");
	has(html, "role=\"img\" aria-label=");
	has(html, "<th scope=\"col\">");
}

static void a_long_log_keeps_its_newest_entries_and_counts_the_rest(void **state)
{
	const char *json;

	(void)state;
	for (unsigned i = 0; i < 20001; i++)
		event(AUDIT_ROLE, REASON_OK, "sniff", "", "", i == 20000 ? "newest" : "old");
	finish(NULL);
	json = written(report_json);
	has(json, "\"records\":20001,\"dropped\":10000");
	has(json, "newest");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		CASE(an_empty_log_shows_nothing_and_says_so),
		CASE(zones_become_spans),
		CASE(personal_opened_on_the_companys_network_is_a_broken_promise),
		CASE(personal_elsewhere_and_work_there_are_not),
		CASE(how_long_a_closing_took_is_told),
		CASE(personal_that_stays_open_is_a_broken_promise),
		CASE(a_start_without_a_stop_is_a_gap_without_a_witness),
		CASE(disks_count_unlocks_and_refusals),
		CASE(what_was_made_plain_is_counted),
		CASE(a_leaf_that_was_put_back_is_bad),
		CASE(without_plaintext_the_report_says_so),
		CASE(a_broken_chain_is_the_verdict),
		CASE(an_expired_policy_is_told),
		CASE(nothing_in_the_log_becomes_markup_or_script),
		CASE(the_page_needs_nothing_from_elsewhere),
		CASE(a_long_log_keeps_its_newest_entries_and_counts_the_rest),
#undef CASE
	};

	return cmocka_run_group_tests_name("report", tests, NULL, NULL);
}
