/* audit.h - the tamper-evident log: each line holds the SHA-256 of the line before it.
 *
 * A log is JSON Lines; the bytes are hashed as written, without the newline. The first line's
 * `prev` is 64 zeros. Checkpoints are heads that were extended into a TPM NV index and counted in
 * an NV counter: extended = SHA-256(extended before || head), from 32 zeros. */
#ifndef POLICY_AUDIT_H
#define POLICY_AUDIT_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"
#include "policy/audit_line.h"

struct audit_chain {
	uint64_t next_seq;		/* 1 in an empty log */
	uint8_t head[AUDIT_HASH_BYTES]; /* of the last line; zeros in an empty log */
};

/* What the TPM holds: the anchor against which a cut tail shows. */
struct audit_anchor {
	uint64_t counter;
	uint8_t extended[AUDIT_HASH_BYTES];
};

void audit_chain_begin(struct audit_chain *ret);

/* The next line of the chain, without newline, for record at time `wall_ms`. The chain does not
 * advance: audit_chain_advance() once the bytes are on disk. Bytes of its texts that are not
 * printable ASCII become '?'. -EINVAL: kind, phase or reason out of range, or a checkpoint that
 * audit_checkpoint_record() did not make. */
int audit_build(const struct audit_chain *chain, const struct msg_audit *record, uint64_t wall_ms,
		char ret_line[AUDIT_LINE_BYTES], size_t *ret_bytes);
void audit_chain_advance(struct audit_chain *chain, const char *line, size_t len_bytes);

/* Go on after the last whole line of an existing log. -EBADMSG: not a line of ours. */
int audit_chain_resume(struct audit_chain *ret, const char *line, size_t len_bytes);

/* extended = SHA-256(extended || head), as TPM2_NV_Extend does it (TPM 2.0 part 3). */
void audit_extend(uint8_t extended[AUDIT_HASH_BYTES], const uint8_t head[AUDIT_HASH_BYTES]);

/* The record of a checkpoint that `key` made: the head of line seq was extended; counter and value
 * are those after it. */
void audit_checkpoint_record(uint64_t seq, uint64_t counter,
			     const uint8_t extended[AUDIT_HASH_BYTES], struct msg_audit *ret);

/* The anchor as a file: one JSON line {"v":1,"counter":N,"extended":"hex"}. 0 or -EBADMSG. */
enum { AUDIT_ANCHOR_BYTES = 160 };
int audit_anchor_parse(const char *text, size_t len_bytes, struct audit_anchor *ret);
void audit_anchor_build(const struct audit_anchor *anchor, char ret[AUDIT_ANCHOR_BYTES]);

#endif
