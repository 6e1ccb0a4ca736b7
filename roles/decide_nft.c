/* What nft answers, and what is done when it does not. */
#include "roles/decide.h"

#include <errno.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"

/* One message of nft; false: none is left. */
static bool take_answer(struct decider *d, uint64_t now)
{
	struct msg_net_ack ack;
	int r = ipc_recv(d->role.peer_fd[ROLE_NFT], &ack, sizeof(ack), NULL);

	if (r == -EAGAIN)
		return false;
	if (r == -EPIPE) { /* its successor comes by way of the supervisor */
		(void)close(take_fd(&d->role.peer_fd[ROLE_NFT]));
		d->plan.up = false;
		return false;
	}
	if (r < 0 || ack.error > 0)
		die("nft broke its contract");
	switch (decide_plan_acked(&d->plan, ack.id, ack.error, now)) {
	case PLAN_ACK_OK:
		if (d->plan.opened.n_grants > 0)
			(void)decide_enforce_record(d, AUDIT_OUTCOME, &d->plan.opened, true, NULL);
		d->plan.opened.n_grants = 0;
		d->changed = true; /* status may say so now */
		decide_power_acked(d);
		break;
	case PLAN_ACK_FAILED:
		log_err(ack.error, "nft could not take state %u; starting it anew", ack.id);
		d->restart_wanted = true;
		break;
	case PLAN_ACK_STALE:
		break;
	}
	return true;
}

/* ipc_recv() waits where nothing is there: whoever reads more than one asks first. */
static bool has_answer(const struct decider *d)
{
	struct loop loop;

	loop_reset(&loop);
	loop_want(&loop, d->role.peer_fd[ROLE_NFT]);
	loop_wake_at(&loop, 1); /* long past: do not wait */
	return d->role.peer_fd[ROLE_NFT] >= 0 && loop_wait(&loop) == 0 &&
	       loop_ready(&loop, d->role.peer_fd[ROLE_NFT]);
}

/* All that is there: an answer before its end must not go with the socket that its successor
 * replaces. */
void decide_nft_acked(struct decider *d, uint64_t now)
{
	while (has_answer(d) && take_answer(d, now))
		;
}

/* What closes waits for nobody: where nft does not do it at once, the supervisor does. It may read /proc,
 * and so knows who hangs and who waits for a CPU, which is not for us to see. */
static void doubt(struct decider *d, uint64_t now)
{
	struct msg_sup msg = { .verb = SUP_NET_CLOSE };

	if (decide_plan_stuck(&d->plan, now))
		role_send_sup(&msg, -1);
}

void decide_nft_closed_without(struct decider *d)
{
	struct msg_audit record = decide_record(d, AUDIT_ROLE, AUDIT_EVENT, REASON_OK, "nft");

	decide_record_text(record.detail, sizeof(record.detail),
			   "it did not close in time; uplinks taken down without it");
	(void)decide_record_send(d, &record); /* said there */
}

/* New links, or an nft that does not answer: whoever holds a socket or a chain begins anew. */
void decide_nft_tick(struct decider *d, uint64_t now)
{
	struct msg_sup msg = { .verb = SUP_NET_RESTART };

	doubt(d, now);
	if (decide_plan_overdue(&d->plan, now)) {
		if (d->plan.up)
			log_err(0, "nft is late with its answer; what was open ends by itself");
		d->plan.up = false;
		d->restart_wanted = true;
	}
	if (!d->restart_wanted ||
	    (d->restart_boot_ms != 0 && now < d->restart_boot_ms + DECIDE_RESTART_MS))
		return;
	d->restart_wanted = false;
	d->restart_boot_ms = now;
	role_send_sup(&msg, -1);
}
