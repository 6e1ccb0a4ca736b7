/* supervisor_tamper.h - what nft found changed by others, kept until it is in the audit log.
 *
 * nft ends when it has told, and decide or audit may be killed before the line is written: the supervisor
 * outlives all of them. It tells each finding to decide, again to each successor of decide and of audit,
 * and now and then, until decide says that it is on disk. So each is recorded once, or more often and
 * marked as told again; never less.
 *
 * Pure: values in, values out. Times are CLOCK_BOOTTIME in milliseconds. */
#ifndef ROLES_SUPERVISOR_TAMPER_H
#define ROLES_SUPERVISOR_TAMPER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

enum {
	SUPERVISOR_TAMPER_KEPT = 8,	   /* different findings; more are counted */
	SUPERVISOR_TAMPER_AGAIN_MS = 2000, /* a disk that was full may have room by then */
};

struct supervisor_tamper_found {
	uint32_t id;	 /* ascending, never 0 */
	uint32_t n_told; /* how often */
	struct msg_tamper tamper;
};

/* All zeros: nothing was found. */
struct supervisor_tamper {
	struct supervisor_tamper_found found[SUPERVISOR_TAMPER_KEPT]; /* the oldest first */
	unsigned n;
	uint32_t last_id;
	uint64_t tell_boot_ms; /* tell all of them then, when there are any */
};

/* nft found this: it is to be told now. When there is no room it is counted with the last one. */
void supervisor_tamper_keep(struct supervisor_tamper *t, const struct msg_tamper *found,
			    uint64_t now_boot_ms);

/* decide, or audit, is another one than before: all are to be told now. */
void supervisor_tamper_again(struct supervisor_tamper *t, uint64_t now_boot_ms);

/* Are they to be told now? If so the next time is set, and each is to be taken with _next(). */
bool supervisor_tamper_due(struct supervisor_tamper *t, uint64_t now_boot_ms);

/* The message that tells found[at] once more; false: there is none. */
bool supervisor_tamper_next(struct supervisor_tamper *t, unsigned at, struct msg_sup *ret);

/* decide says that it is in the audit log; one that is not kept (any more) is no fault: it was told twice. */
void supervisor_tamper_recorded(struct supervisor_tamper *t, uint32_t id);

#endif
