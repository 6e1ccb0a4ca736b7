/* The orderly end. Nothing opens by it: grants end now instead of by themselves. The supervisor ends nft
 * when we are gone, so nft's word is waited for; without it the exit status calls for the supervisor. */
#include "roles/decide.h"

#include <stdlib.h>

#include "base/log.h"

enum { STOP_MS = 2000 }; /* one fsync, and a slow TPM's two commands */

void decide_stop_begin(struct decider *d, uint64_t now)
{
	struct msg_audit record = decide_record(d, AUDIT_STOP, AUDIT_EVENT, REASON_OK, "bulkheadd");

	d->stop_boot_ms = now + STOP_MS;
	d->changed = true;
	decide_enforce(d, now); /* first nft, then the record */
	d->stop_record_id = decide_record_send(d, &record);
}

void decide_stop_tick(struct decider *d, uint64_t now)
{
	bool closed;

	if (d->stop_boot_ms == 0)
		return;
	if (d->stop_record_id != 0 && d->acked_record_id == d->stop_record_id &&
	    !d->stop_anchored) {
		d->stop_anchored = true;
		decide_disks_begin(d, OP_CHECKPOINT, "", -1, -1, NULL, now);
	}
	closed = decide_plan_closed(&d->plan);
	if (now < d->stop_boot_ms && !(closed && d->stop_anchored && !decide_ops_busy(d, "")))
		return;
	if (!closed)
		die("stopped, and nft did not say that it closed");
	log_info("stopped: everything is closed");
	exit(EXIT_SUCCESS);
}
