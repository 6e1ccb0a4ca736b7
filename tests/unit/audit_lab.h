/* audit_lab.h - a log of a few records with two checkpoints, and its verification. Behind cmocka.h. */
#ifndef TESTS_UNIT_AUDIT_LAB_H
#define TESTS_UNIT_AUDIT_LAB_H

#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "policy/audit_verify.h"

enum { LINES = 12, AT_CHECKPOINT = 5, AT_SECOND = 9 };

/* A log of LINES lines; lines AT_CHECKPOINT and AT_SECOND (from 0) are checkpoints of the line
 * before them. */
static char log_line[LINES][AUDIT_LINE_BYTES];
static struct audit_anchor after_first, after_second;
static struct audit_break found;

/* What the second checkpoint says: which record it is of, and how often was counted. */
static void build_log_saying(uint64_t second_of, uint64_t second_counter)
{
	struct audit_chain chain;
	uint8_t extended[AUDIT_HASH_BYTES] = { 0 };

	audit_chain_begin(&chain);
	for (unsigned i = 0; i < LINES; i++) {
		struct msg_audit r = { .kind = AUDIT_ZONE, .phase = AUDIT_EVENT };
		size_t n;

		(void)snprintf(r.subject, sizeof(r.subject), "eth%u", i);
		if (i == AT_CHECKPOINT || i == AT_SECOND) {
			uint64_t counter = i == AT_CHECKPOINT ? 100 : second_counter;

			audit_extend(extended, chain.head);
			audit_checkpoint_record(i == AT_CHECKPOINT ? AT_CHECKPOINT : second_of,
						counter, extended, &r);
			*(i == AT_CHECKPOINT ? &after_first : &after_second) =
				(struct audit_anchor){ .counter = counter };
			memcpy((i == AT_CHECKPOINT ? &after_first : &after_second)->extended,
			       extended, sizeof(extended));
		}
		assert_int_equal(audit_build(&chain, &r, 1893456000000 + i, log_line[i], &n), 0);
		audit_chain_advance(&chain, log_line[i], n);
	}
}

static int start(void **state)
{
	(void)state;
	return sodium_init() < 0 ? -1 : 0;
}

static int fresh(void **state)
{
	(void)state;
	build_log_saying(AT_SECOND, 101);
	return 0;
}

/* Verify the lines of order[n]. */
static enum audit_fault verify_order(const unsigned *order, unsigned n,
				     const struct audit_anchor *anchor, size_t torn_bytes)
{
	struct audit_verify v;

	memset(&found, 0, sizeof(found));
	audit_verify_begin(&v, anchor);
	for (unsigned i = 0; i < n; i++)
		(void)audit_verify_line(&v, log_line[order[i]], strlen(log_line[order[i]]), NULL);
	return audit_verify_end(&v, torn_bytes, &found) == 0 ? AUDIT_FAULT_NONE : found.fault;
}

static enum audit_fault verify_first(unsigned n, const struct audit_anchor *anchor)
{
	static const unsigned all[LINES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11 };

	return verify_order(all, n, anchor, 0);
}

#endif
