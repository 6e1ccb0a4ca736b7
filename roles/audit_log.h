/* audit_log.h - the log as a file: resume it after whatever ended its last writer, append to it.
 *
 * What cannot be resumed is never written to: every write then fails with the same error. */
#ifndef ROLES_AUDIT_LOG_H
#define ROLES_AUDIT_LOG_H

#include <stdint.h>

#include "base/msg.h"
#include "policy/audit.h"

/* Longer than any disk of a laptop keeps; a runaway writer stops here. */
#define AUDIT_LOG_BYTES_MAX (UINT64_C(4) << 30)

struct audit_log {
	int fd;		     /* owned; -1: none */
	int error;	     /* 0, or why nothing can be written */
	uint64_t size_bytes; /* up to the end of the last whole line */
	struct audit_chain chain;
};

/* Take *fd (O_RDWR|O_APPEND, or -1) and read the end of the file. A torn last line is cut off and
 * the cut is recorded. log->error says what went wrong: -EBADF no descriptor, -EBADMSG the last
 * line is not one of ours, or the negative errno of a read or write. */
void audit_log_open_take(struct audit_log *ret, int *fd);

/* Append one record with the time of now; on disk when this returns, if the record asks for it.
 * 0, -EINVAL (the record is not well-formed; the log is fine), or log->error. */
int audit_log_write(struct audit_log *log, const struct msg_audit *record);

#endif
