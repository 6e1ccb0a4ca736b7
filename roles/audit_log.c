#include "roles/audit_log.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/reason.h"

/* A whole line of any record and the torn one behind it fit in here. */
enum { TAIL_BYTES = 4 * AUDIT_LINE_BYTES };

static uint64_t now_wall_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t); /* cannot fail for this clock */
	return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Intents, outcomes and changes of zone are waited for; what repeats itself is not. */
static bool must_be_on_disk(const struct msg_audit *record)
{
	return record->id != 0 || record->phase != AUDIT_EVENT || record->kind != AUDIT_ROLE;
}

int audit_log_write(struct audit_log *log, const struct msg_audit *record)
{
	char line[AUDIT_LINE_BYTES + 1];
	size_t n;
	int r;

	if (log->error < 0)
		return log->error;
	r = audit_build(&log->chain, record, now_wall_ms(), line, &n);
	if (r < 0)
		return r;
	line[n] = '\n';
	r = file_append(log->fd, line, n + 1);
	if (r == 0 && must_be_on_disk(record) && fdatasync(log->fd) < 0) {
		/* the kernel may have dropped the page: nobody knows what the file holds now */
		log->error = -errno;
		return log->error;
	}
	if (r < 0) {
		/* half a line, perhaps: cut it off; a full disk may get room again */
		if (ftruncate(log->fd, (off_t)log->size_bytes) < 0)
			log->error = r;
		return r;
	}
	audit_chain_advance(&log->chain, line, n);
	log->size_bytes += n + 1;
	return 0;
}

static int cut_torn(struct audit_log *log, uint64_t torn_bytes)
{
	struct msg_audit record = {
		.kind = AUDIT_RECOVER,
		.phase = AUDIT_EVENT,
		.reason = REASON_OK,
		.subject = "log",
	};

	if (ftruncate(log->fd, (off_t)log->size_bytes) < 0)
		return -errno;
	(void)snprintf(record.detail, sizeof(record.detail),
		       "cut %llu bytes of a record that was not written to its end",
		       (unsigned long long)torn_bytes);
	return audit_log_write(log, &record);
}

static int resume(struct audit_log *log)
{
	char tail[TAIL_BYTES];
	struct stat st;
	const char *end;
	const char *start;
	size_t n;
	uint64_t torn_bytes;
	int r;

	if (fstat(log->fd, &st) < 0)
		return -errno;
	n = st.st_size < (off_t)sizeof(tail) ? (size_t)st.st_size : sizeof(tail);
	r = file_read(log->fd, tail, n, (uint64_t)st.st_size - n);
	if (r < 0)
		return r;
	end = memrchr(tail, '\n', n);
	if (!end && n == sizeof(tail))
		return -EBADMSG; /* no line of ours is so long */
	torn_bytes = end ? (uint64_t)(tail + n - end - 1) : n;
	log->size_bytes = (uint64_t)st.st_size - torn_bytes;
	if (end) {
		start = memrchr(tail, '\n', (size_t)(end - tail));
		start = start ? start + 1 : tail;
		r = audit_chain_resume(&log->chain, start, (size_t)(end - start));
		if (r < 0)
			return r;
	}
	return torn_bytes > 0 ? cut_torn(log, torn_bytes) : 0;
}

void audit_log_open_take(struct audit_log *ret, int *fd)
{
	*ret = (struct audit_log){ .fd = take_fd(fd) };
	audit_chain_begin(&ret->chain);
	if (ret->fd < 0) {
		ret->error = -EBADF;
		return;
	}
	ret->error = resume(ret);
}
