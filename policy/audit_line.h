/* audit_line.h - one record of the audit log as one JSON line, both ways.
 *
 * The reader takes exactly what the writer writes: the fields of doc/formats.md in their
 * order, no blanks, known escapes. Anything else is not ours. */
#ifndef POLICY_AUDIT_LINE_H
#define POLICY_AUDIT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

enum {
	AUDIT_LINE_VERSION = 1,
	AUDIT_HASH_BYTES = 32,
	/* every text at six bytes for one, and the rest: no record is longer */
	AUDIT_LINE_BYTES = 4096,
};

struct audit_line {
	uint64_t seq;
	uint64_t wall_ms; /* milliseconds since 1970 */
	uint8_t prev[AUDIT_HASH_BYTES];
	struct msg_audit record; /* .id is 0 */
	/* of a checkpoint that was made, in place of from, to, proof and detail */
	uint64_t anchored_seq;
	uint64_t counter;
	uint8_t extended[AUDIT_HASH_BYTES];
};

/* "zone", "intent"; NULL for an unknown value. */
const char *audit_line_kind_name(uint32_t kind);
const char *audit_line_phase_name(uint32_t phase);

/* Does this record name what the TPM holds: a checkpoint, made? */
bool audit_line_is_anchor(const struct msg_audit *record);

/* The line without newline, NUL-terminated. -EINVAL: kind, phase, reason or a text out of range. */
int audit_line_build(const struct audit_line *line, char ret_text[AUDIT_LINE_BYTES],
		     size_t *ret_bytes);

/* -EBADMSG: not a line that audit_line_build() writes. */
int audit_line_parse(const char *text, size_t len_bytes, struct audit_line *ret);

#endif
