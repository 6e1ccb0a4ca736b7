/* Checkpoints that the TPM counted and the log does not hold: who was to record them died. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "tests/unit/audit_lab.h"

/* Between the two checkpoints the TPM was extended by the heads of n more records, of which none tells. */
static void build_log_losing(const unsigned *of, unsigned n, uint64_t counter)
{
	uint8_t head[AT_SECOND + 1][AUDIT_HASH_BYTES], extended[AUDIT_HASH_BYTES];
	struct msg_audit r = { 0 };
	struct audit_chain chain;
	size_t len;

	build_log_saying(AT_SECOND, 101);
	memcpy(extended, after_first.extended, sizeof(extended));
	audit_chain_begin(&chain);
	for (unsigned i = 0; i < AT_SECOND; i++) {
		audit_chain_advance(&chain, log_line[i], strlen(log_line[i]));
		memcpy(head[i + 1], chain.head, AUDIT_HASH_BYTES);
	}
	for (unsigned i = 0; i < n; i++)
		audit_extend(extended, head[of[i]]);
	audit_extend(extended, chain.head);
	audit_checkpoint_record(AT_SECOND, counter, extended, &r);
	assert_int_equal(audit_build(&chain, &r, 1893456000000, log_line[AT_SECOND], &len), 0);
	after_second = (struct audit_anchor){ .counter = counter };
	memcpy(after_second.extended, extended, sizeof(extended));
}

static void some_checkpoints_may_lack_their_record(void **state)
{
	static const unsigned of[] = { 5, 7, 7, 8 };

	(void)state;
	for (unsigned n = 0; n <= 4; n++) {
		build_log_losing(of, n, 101 + n);
		assert_int_equal(verify_first(AT_SECOND + 1, NULL),
				 n <= AUDIT_UNRECORDED ? AUDIT_FAULT_NONE : AUDIT_FAULT_CHECKPOINT);
		/* with the record of the second lost, too */
		assert_int_equal(verify_first(AT_SECOND, &after_second),
				 n < AUDIT_UNRECORDED ? AUDIT_FAULT_NONE : AUDIT_FAULT_TAIL);
		build_log_losing(of, n, 102 + n);
		assert_int_equal(verify_first(AT_SECOND + 1, NULL), AUDIT_FAULT_CHECKPOINT);
	}
}

static void what_lacks_its_record_is_in_order_and_of_this_log(void **state)
{
	static const unsigned back[] = { 8, 7 }, before[] = { 3 }, two[] = { 7, 8 };

	(void)state;
	build_log_losing(back, 2, 103);
	assert_int_equal(verify_first(AT_SECOND + 1, NULL), AUDIT_FAULT_CHECKPOINT);
	build_log_losing(before, 1, 102); /* what the first checkpoint has covered already */
	assert_int_equal(verify_first(AT_SECOND + 1, NULL), AUDIT_FAULT_CHECKPOINT);
	build_log_losing(two, 2, 103);
	/* record 8 was cut with all that came after it: its head is not in the log */
	assert_int_equal(verify_first(7, &after_second), AUDIT_FAULT_TAIL);
}

static void before_the_first_record_of_a_checkpoint_some_may_be_lost(void **state)
{
	static const uint8_t zeros[AUDIT_HASH_BYTES];
	struct audit_anchor anchor = { .counter = 7 };
	struct audit_chain chain;

	(void)state;
	memcpy(anchor.extended, zeros, sizeof(zeros));
	audit_chain_begin(&chain);
	for (unsigned i = 0; i < AT_CHECKPOINT; i++) {
		audit_chain_advance(&chain, log_line[i], strlen(log_line[i]));
		if (i > 0)
			audit_extend(anchor.extended, chain.head);
		assert_int_equal(verify_first(AT_CHECKPOINT, &anchor),
				 i <= AUDIT_UNRECORDED ? AUDIT_FAULT_NONE : AUDIT_FAULT_TAIL);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(some_checkpoints_may_lack_their_record, fresh),
		cmocka_unit_test_setup(what_lacks_its_record_is_in_order_and_of_this_log, fresh),
		cmocka_unit_test_setup(before_the_first_record_of_a_checkpoint_some_may_be_lost,
				       fresh),
	};

	return cmocka_run_group_tests_name("audit_unrecorded", tests, start, NULL);
}
