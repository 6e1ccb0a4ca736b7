/* What the machine's owner asks of the uplinks: down before suspend, up after it, given back.
 *
 * In suspend the clock that ends a grant stands still, and a network may be another one at the
 * resume: so before it the grants go and the uplinks are taken down, and after it everything is
 * unknown. Giving the uplinks back loosens more than any grant: its intent is on disk before. */
#include "roles/decide.h"

#include "base/log.h"
#include "base/util.h"

enum { POWER_WAIT_MS = 3000 }; /* nft answers in a millisecond, audit after one fsync */

static void answer(struct decider *d, enum reason reason, const char *detail)
{
	struct msg_ctl_reply reply = { .reason = reason };

	decide_record_text(reply.detail, sizeof(reply.detail), detail);
	decide_control_answer(d, d->power.client, &reply);
	d->power.client = -1;
	d->power.wait = POWER_NOTHING;
}

static void set_suspended(struct decider *d, bool suspended)
{
	log_info("%s", suspended ? "suspend: nothing is granted, the uplinks go down"
				 : "resume: the uplinks come up, and every one is unknown");
	d->power.suspended = suspended;
	d->changed = true;
	decide_plan_links(&d->plan, suspended);
}

void decide_power_begin(struct decider *d, uint32_t verb, int client, uint64_t now)
{
	struct msg_audit record;

	if (d->power.wait != POWER_NOTHING) {
		decide_control_answer(d, client,
				      &(struct msg_ctl_reply){ .reason = REASON_REQUEST });
		return;
	}
	d->power.client = client;
	d->power.until_boot_ms = now + POWER_WAIT_MS;
	if (verb == CTL_NET_RELEASE) {
		record = decide_record(d, AUDIT_STOP, AUDIT_INTENT, REASON_OK, "uplinks");
		decide_record_text(record.to, sizeof(record.to), "released");
		decide_record_text(record.detail, sizeof(record.detail),
				   "root gives all uplinks back to the host");
		d->power.record_id = decide_record_send(d, &record);
		d->power.wait = POWER_RECORD;
		if (d->power.record_id == 0)
			answer(d, REASON_NET_NO_AUDIT, "the uplinks stay");
		return;
	}
	set_suspended(d, verb == CTL_NET_SUSPEND);
	d->power.wait = POWER_ACK;
	if (!d->power.suspended)
		decide_uplinks_resumed(d, now);
	decide_enforce(d, now);
}

void decide_power_resumed(struct decider *d)
{
	if (d->power.suspended)
		set_suspended(d, false);
}

/* nft has done what is allowed now. */
void decide_power_acked(struct decider *d)
{
	if (d->power.wait == POWER_ACK)
		answer(d, REASON_OK, "");
}

void decide_power_audited(struct decider *d, uint32_t record_id, int error)
{
	struct msg_sup msg = { .verb = SUP_RELEASE };

	if (d->power.wait != POWER_RECORD || record_id != d->power.record_id)
		return;
	if (error < 0) {
		answer(d, REASON_NET_NO_AUDIT, "the uplinks stay");
		return;
	}
	answer(d, REASON_OK, "");
	role_send_sup(&msg, -1);
}

void decide_power_tick(struct decider *d, uint64_t now)
{
	if (d->power.wait != POWER_NOTHING && now >= d->power.until_boot_ms)
		answer(d, REASON_INTERNAL, "no answer in time; personal's network is closed");
}

uint64_t decide_power_wake(const struct decider *d)
{
	return d->power.wait != POWER_NOTHING ? d->power.until_boot_ms : UINT64_MAX;
}
