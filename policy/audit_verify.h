/* audit_verify.h - does a log hold together, and with what the TPM has counted?
 *
 * Streaming: one line after the other, constant memory. The first break is named: edited, cut,
 * reordered, torn, or a tail that the anchor shows to be missing. */
#ifndef POLICY_AUDIT_VERIFY_H
#define POLICY_AUDIT_VERIFY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "policy/audit.h"

enum audit_fault {
	AUDIT_FAULT_NONE,
	AUDIT_FAULT_SYNTAX,	/* a line that we did not write */
	AUDIT_FAULT_EDITED,	/* the line before this one is not what was hashed */
	AUDIT_FAULT_CUT,	/* lines are missing before this one */
	AUDIT_FAULT_REORDERED,	/* this line belongs to another place */
	AUDIT_FAULT_TORN,	/* the last line has no end: a crash while writing */
	AUDIT_FAULT_CHECKPOINT, /* a checkpoint's value is not that of this chain */
	AUDIT_FAULT_TAIL,	/* the TPM has counted checkpoints that the log does not hold */
	N_AUDIT_FAULTS,
};

/* Where a chain breaks. line counts from 1; seq is the sequence number concerned. */
struct audit_break {
	enum audit_fault fault;
	uint64_t line;
	uint64_t seq;
	char text[192]; /* one clause for people */
};

/* How far back a checkpoint may name a line: the writer anchors the newest line it knows, and few
 * records come between that and the checkpoint's own. */
enum {
	AUDIT_RECENT = 256,
	AUDIT_UNRECORDED = 3, /* checkpoints in a row that may lack their record */
};

/* State of a streaming verification: audit_verify.c's, but for the counts, which all may read. */
struct audit_verify {
	struct audit_chain chain;
	uint64_t n_lines;
	uint64_t n_breaks;
	uint64_t n_checkpoints;
	uint64_t counter;      /* of the last checkpoint */
	uint64_t anchored_seq; /* the last line that a checkpoint covers; 0 none */
	struct audit_break first;
	uint64_t missing_from; /* seqs of the first gap; 0 none */
	uint64_t missing_to;
	uint8_t extended[AUDIT_HASH_BYTES];
	uint8_t recent[AUDIT_RECENT][AUDIT_HASH_BYTES]; /* head of seq n at n % AUDIT_RECENT */
	uint64_t recent_seq[AUDIT_RECENT];
	bool has_anchor;
	bool anchor_met;
	struct audit_anchor anchor;
};

/* anchor may be NULL. */
void audit_verify_begin(struct audit_verify *ret, const struct audit_anchor *anchor);

/* One line, without newline; ret_line (may be NULL): what it says. The first break is kept for
 * audit_verify_end(); verification goes on behind it. 0; -EBADMSG: not a line of ours, *ret_line
 * untouched. */
int audit_verify_line(struct audit_verify *verify, const char *line, size_t len_bytes,
		      struct audit_line *ret_line);

/* After the last whole line; torn_bytes: what follows the last newline. 0; -EBADMSG: *ret_break is
 * the first break. */
int audit_verify_end(struct audit_verify *verify, size_t torn_bytes, struct audit_break *ret_break);

/* "edited"; aborts on an unknown value. */
const char *audit_fault_name(enum audit_fault fault);

#endif
