#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <stdbool.h>
#include <sodium.h>

#include "base/reason.h"
#include "policy/audit_verify.h"
#include "tests/unit/audit_lab.h"

static void a_whole_log_verifies_with_and_without_the_tpm(void **state)
{
	(void)state;
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_NONE);
	assert_int_equal(verify_first(LINES, &after_second), AUDIT_FAULT_NONE);
	/* an anchor taken earlier fits a log that went on */
	assert_int_equal(verify_first(LINES, &after_first), AUDIT_FAULT_NONE);
	assert_int_equal(verify_first(0, NULL), AUDIT_FAULT_NONE);
}

static void one_changed_byte_names_the_record(void **state)
{
	(void)state;
	for (unsigned i = 0; i + 1 < LINES; i++) {
		size_t n;

		if (i == AT_CHECKPOINT || i == AT_SECOND)
			continue;
		build_log_saying(AT_SECOND, 101);
		n = strlen(log_line[i]);
		*strstr(log_line[i], "eth") = 'E';
		assert_int_equal(strlen(log_line[i]), n);
		assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_EDITED);
		assert_int_equal(found.seq, i + 1);
		assert_int_equal(found.line, i + 2);
	}
}

static void a_byte_that_breaks_the_form_names_the_line(void **state)
{
	(void)state;
	log_line[3][0] = '[';
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_SYNTAX);
	assert_int_equal(found.line, 4);
	assert_int_equal(found.seq, 4);
}

static void any_changed_byte_of_any_line_but_the_last_is_found(void **state)
{
	(void)state;
	for (unsigned i = 0; i + 1 < LINES; i++)
		for (size_t at = 0; at < strlen(log_line[i]); at += 3) {
			log_line[i][at] ^= 1;
			if (verify_first(LINES, NULL) == AUDIT_FAULT_NONE)
				fail_msg("line %u, byte %zu", i + 1, at);
			/* the line itself, or the one that holds its hash */
			assert_in_range(found.line, i + 1, i + 2);
			log_line[i][at] ^= 1;
		}
}

static void a_changed_number_is_an_edit_and_not_a_gap(void **state)
{
	(void)state;
	*(strstr(log_line[3], "\"seq\":4") + 6) = '8';
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_EDITED);
	assert_int_equal(found.seq, 4);
}

static void a_cut_line_names_what_is_missing(void **state)
{
	static const unsigned without_4[] = { 0, 1, 2, 4, 5, 6, 7, 8, 9, 10, 11 };
	static const unsigned without_start[] = { 2, 3, 4 };

	(void)state;
	assert_int_equal(verify_order(without_4, 11, NULL, 0), AUDIT_FAULT_CUT);
	assert_int_equal(found.seq, 4);
	assert_int_equal(found.line, 4);
	assert_non_null(strstr(found.text, "record 4 is missing before line 4"));
	assert_int_equal(verify_order(without_start, 3, NULL, 0), AUDIT_FAULT_CUT);
	assert_non_null(strstr(found.text, "records 1 to 2 are missing"));
}

static void a_moved_line_is_reordered_and_not_missing(void **state)
{
	static const unsigned later[] = { 0, 1, 3, 2, 4, 5, 6 };
	static const unsigned twice[] = { 0, 1, 2, 2, 3 };

	(void)state;
	assert_int_equal(verify_order(later, 7, NULL, 0), AUDIT_FAULT_REORDERED);
	assert_int_equal(found.seq, 3);
	assert_int_equal(verify_order(twice, 5, NULL, 0), AUDIT_FAULT_REORDERED);
	assert_int_equal(found.seq, 3);
	assert_int_equal(found.line, 4);
}

static void a_torn_tail_is_named(void **state)
{
	static const unsigned order[] = { 0, 1, 2 };

	(void)state;
	assert_int_equal(verify_order(order, 3, NULL, 17), AUDIT_FAULT_TORN);
	assert_int_equal(found.line, 4);
	assert_int_equal(found.seq, 4);
}

static void a_cut_tail_shows_in_the_anchor_alone(void **state)
{
	(void)state;
	/* up to the line that the second checkpoint covers, nothing can be missed */
	for (unsigned n = 0; n < AT_SECOND; n++)
		assert_int_equal(verify_first(n, &after_second), AUDIT_FAULT_TAIL);
	assert_int_equal(found.seq, AT_SECOND - 1);
	assert_non_null(strstr(found.text, "the TPM has counted 101"));
	for (unsigned n = 0; n < AT_SECOND; n++)
		assert_int_equal(verify_first(n, NULL), AUDIT_FAULT_NONE);
}

static void a_checkpoint_without_its_record_is_found_in_the_chain(void **state)
{
	(void)state;
	/* a crash after the TPM was extended: the record of the checkpoint never came */
	assert_int_equal(verify_first(AT_SECOND, &after_second), AUDIT_FAULT_NONE);
	assert_int_equal(verify_first(AT_CHECKPOINT, &after_first), AUDIT_FAULT_NONE);
}

static void a_checkpoint_of_another_log_is_named(void **state)
{
	struct audit_anchor other = after_second;

	(void)state;
	other.extended[7] ^= 1;
	assert_int_equal(verify_first(LINES, &other), AUDIT_FAULT_CHECKPOINT);
	other.counter = 0;
	assert_int_equal(verify_first(LINES, &other), AUDIT_FAULT_CHECKPOINT);
}

static void a_checkpoint_counts_by_one_and_is_of_a_record_before_it(void **state)
{
	(void)state;
	build_log_saying(AT_SECOND, 105);
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_CHECKPOINT);
	build_log_saying(AT_SECOND, 100);
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_CHECKPOINT);
	build_log_saying(AT_SECOND + AUDIT_RECENT, 101); /* of a record that is not there */
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_CHECKPOINT);
	build_log_saying(AT_SECOND, 101);
	assert_int_equal(verify_first(LINES, NULL), AUDIT_FAULT_NONE);
}

/* A whole new chain over changed records, as root could write it. */
static void a_rewritten_log_does_not_fit_its_own_checkpoints(void **state)
{
	struct audit_chain chain;
	struct audit_verify v;

	(void)state;
	audit_chain_begin(&chain);
	audit_verify_begin(&v, NULL);
	for (unsigned i = 0; i <= AT_CHECKPOINT; i++) {
		struct msg_audit r = { .kind = AUDIT_ZONE, .phase = AUDIT_EVENT, .subject = "x" };
		char line[AUDIT_LINE_BYTES];
		size_t n;

		if (i == AT_CHECKPOINT)
			audit_checkpoint_record(AT_CHECKPOINT, 100, after_first.extended, &r);
		assert_int_equal(audit_build(&chain, &r, 1893456000000, line, &n), 0);
		audit_chain_advance(&chain, line, n);
		assert_int_equal(audit_verify_line(&v, line, n, NULL), 0);
	}
	assert_int_equal(audit_verify_end(&v, 0, &found), -EBADMSG);
	assert_int_equal(found.fault, AUDIT_FAULT_CHECKPOINT);
	assert_int_equal(found.seq, AT_CHECKPOINT + 1);
}

static void an_empty_log_fits_an_untouched_tpm_only(void **state)
{
	struct audit_anchor none = { 0 };

	(void)state;
	assert_int_equal(verify_first(0, &none), AUDIT_FAULT_NONE);
	assert_int_equal(verify_first(0, &after_first), AUDIT_FAULT_TAIL);
}

static void the_chain_goes_on_after_its_last_line(void **state)
{
	struct audit_chain chain;
	struct audit_chain resumed;
	struct msg_audit r = { .kind = AUDIT_STOP, .phase = AUDIT_EVENT };
	char line[AUDIT_LINE_BYTES];
	struct audit_verify v;
	size_t n;

	(void)state;
	assert_int_equal(
		audit_chain_resume(&resumed, log_line[LINES - 1], strlen(log_line[LINES - 1])), 0);
	assert_int_equal(resumed.next_seq, LINES + 1);
	assert_int_equal(audit_build(&resumed, &r, 0, line, &n), 0);
	audit_verify_begin(&v, NULL);
	for (unsigned i = 0; i < LINES; i++)
		assert_int_equal(audit_verify_line(&v, log_line[i], strlen(log_line[i]), NULL), 0);
	assert_int_equal(audit_verify_line(&v, line, n, NULL), 0);
	assert_int_equal(audit_verify_end(&v, 0, &found), 0);
	assert_int_equal(audit_chain_resume(&chain, "{}", 2), -EBADMSG);
}

static void bytes_that_are_no_text_become_question_marks(void **state)
{
	struct audit_chain chain;
	struct msg_audit r = { .kind = AUDIT_ZONE, .phase = AUDIT_EVENT };
	struct audit_line parsed;
	char line[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	audit_chain_begin(&chain);
	memcpy(r.subject,
	       "a\n\xff"
	       "b",
	       4);
	memset(r.from, 'f', sizeof(r.from)); /* not terminated */
	assert_int_equal(audit_build(&chain, &r, 0, line, &n), 0);
	assert_int_equal(audit_line_parse(line, n, &parsed), 0);
	assert_string_equal(parsed.record.subject, "a?"
						   "?b");
	assert_int_equal(strlen(parsed.record.from), sizeof(r.from) - 1);
}

static void a_checkpoint_record_made_by_hand_is_refused(void **state)
{
	struct audit_chain chain;
	struct msg_audit r;
	char line[AUDIT_LINE_BYTES];
	size_t n;

	(void)state;
	audit_chain_begin(&chain);
	audit_checkpoint_record(1, 2, after_first.extended, &r);
	assert_int_equal(audit_build(&chain, &r, 0, line, &n), 0);
	r.detail[3] = 'x';
	assert_int_equal(audit_build(&chain, &r, 0, line, &n), -EINVAL);
}

/* The sanitized build sees it if one byte is touched beyond the text. */
static void an_anchor_file_that_breaks_off_is_refused_wherever_it_does(void **state)
{
	char text[AUDIT_ANCHOR_BYTES];
	struct audit_anchor none;

	(void)state;
	for (size_t n = 0; n + 40 < sizeof(text); n++) {
		int len = snprintf(text, sizeof(text), "{\"v\":1,\"counter\":%0*d,\"extended\":\"",
				   (int)n, 7);

		assert_int_equal(audit_anchor_parse(text, (size_t)len, &none), -EBADMSG);
	}
}

static void an_anchor_file_has_one_form(void **state)
{
	char text[AUDIT_ANCHOR_BYTES];
	struct audit_anchor again;

	(void)state;
	audit_anchor_build(&after_second, text);
	assert_int_equal(audit_anchor_parse(text, strlen(text), &again), 0);
	assert_int_equal(again.counter, 101);
	assert_memory_equal(again.extended, after_second.extended, AUDIT_HASH_BYTES);
	for (size_t n = 0; n < strlen(text); n++)
		assert_int_equal(audit_anchor_parse(text, n, &again), -EBADMSG);
	memcpy(text + strlen(text), "\n", 2);
	assert_int_equal(audit_anchor_parse(text, strlen(text), &again), 0);
	memcpy(text + strlen(text), "\n", 2);
	assert_int_equal(audit_anchor_parse(text, strlen(text), &again), -EBADMSG);
	text[0] = '[';
	assert_int_equal(audit_anchor_parse(text, strlen(text), &again), -EBADMSG);
	(void)snprintf(text, sizeof(text), "{\"v\":1,\"counter\":%090d,\"extended\":\"00\"}", 1);
	assert_int_equal(audit_anchor_parse(text, strlen(text), &again), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_whole_log_verifies_with_and_without_the_tpm, fresh),
		cmocka_unit_test_setup(one_changed_byte_names_the_record, fresh),
		cmocka_unit_test_setup(a_byte_that_breaks_the_form_names_the_line, fresh),
		cmocka_unit_test_setup(any_changed_byte_of_any_line_but_the_last_is_found, fresh),
		cmocka_unit_test_setup(a_changed_number_is_an_edit_and_not_a_gap, fresh),
		cmocka_unit_test_setup(a_cut_line_names_what_is_missing, fresh),
		cmocka_unit_test_setup(a_moved_line_is_reordered_and_not_missing, fresh),
		cmocka_unit_test_setup(a_torn_tail_is_named, fresh),
		cmocka_unit_test_setup(a_cut_tail_shows_in_the_anchor_alone, fresh),
		cmocka_unit_test_setup(a_checkpoint_without_its_record_is_found_in_the_chain,
				       fresh),
		cmocka_unit_test_setup(a_checkpoint_of_another_log_is_named, fresh),
		cmocka_unit_test_setup(a_checkpoint_counts_by_one_and_is_of_a_record_before_it,
				       fresh),
		cmocka_unit_test_setup(a_rewritten_log_does_not_fit_its_own_checkpoints, fresh),
		cmocka_unit_test_setup(an_empty_log_fits_an_untouched_tpm_only, fresh),
		cmocka_unit_test_setup(the_chain_goes_on_after_its_last_line, fresh),
		cmocka_unit_test_setup(bytes_that_are_no_text_become_question_marks, fresh),
		cmocka_unit_test_setup(a_checkpoint_record_made_by_hand_is_refused, fresh),
		cmocka_unit_test_setup(an_anchor_file_has_one_form, fresh),
		cmocka_unit_test(an_anchor_file_that_breaks_off_is_refused_wherever_it_does),
	};

	return cmocka_run_group_tests_name("audit", tests, start, NULL);
}
