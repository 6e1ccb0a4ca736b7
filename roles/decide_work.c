/* Work on a disk by the command, with a recovery key: exports, conversions. The work is the caller's,
 * who has root and the key; ours is that none of it starts before its intent is on disk. */
#include "roles/decide.h"

#include <stdio.h>

#include "base/util.h"

enum { WORK_MS = 5000 }; /* audit answers within one fsync */

static const char *const states[N_CTL_WORKS][2] = {
	[CTL_WORK_EXPORT] = { "encrypted", "exported" },
	[CTL_WORK_ENCRYPT] = { "plain", "encrypted" },
	[CTL_WORK_DECRYPT] = { "encrypted", "plain" },
	[CTL_WORK_REKEY] = { "encrypted", "new key" },
	[CTL_WORK_VOUCH] = { "encrypted", "new MAC" },
};

static bool is_sound(const struct msg_ctl *m)
{
	return m->name[0] != '\0' && m->work > 0 && m->work < N_CTL_WORKS &&
	       (m->phase == AUDIT_INTENT || m->phase == AUDIT_OUTCOME) && reason_known(m->result) &&
	       (m->phase == AUDIT_OUTCOME || m->result == REASON_OK);
}

/* It does not begin: what may be in the log, late or in part, is taken back there. */
static void silent(struct decider *d, int client, const char *detail)
{
	struct msg_audit record = d->client[client].work;

	if (record.phase == AUDIT_INTENT) {
		record.phase = AUDIT_OUTCOME;
		record.reason = REASON_NET_NO_AUDIT;
		decide_record_text(record.detail, sizeof(record.detail), "not begun");
		(void)decide_record_send(d, &record); /* said there */
	}
	decide_control_answer_with(d, client, REASON_NET_NO_AUDIT, detail);
}

void decide_work_begin(struct decider *d, int client, const struct msg_ctl *m, uint64_t now)
{
	struct client *c = &d->client[client];
	char detail[MSG_TEXT_BYTES];

	if (!is_sound(m)) {
		decide_control_answer_with(d, client, REASON_REQUEST, "");
		return;
	}
	c->work = decide_record(d, AUDIT_DISK, (enum audit_phase)m->phase, (enum reason)m->result,
				m->name);
	(void)snprintf(detail, sizeof(detail), "uid %u: %.*s", c->uid, (int)sizeof(detail) - 32,
		       m->detail);
	decide_record_text(c->work.detail, sizeof(c->work.detail), detail);
	decide_record_text(c->work.from, sizeof(c->work.from), states[m->work][0]);
	decide_record_text(c->work.to, sizeof(c->work.to), states[m->work][1]);
	if (decide_record_send(d, &c->work) == 0) {
		decide_control_answer_with(d, client, REASON_NET_NO_AUDIT, "");
		return;
	}
	c->busy = true;
	c->until_boot_ms = now + WORK_MS;
}

static bool waits(const struct client *c)
{
	return c->fd >= 0 && c->work.id != 0;
}

bool decide_work_audited(struct decider *d, uint32_t record_id, int error)
{
	for (int i = 0; i < DECIDE_CLIENTS; i++) {
		if (!waits(&d->client[i]) || d->client[i].work.id != record_id)
			continue;
		if (error)
			silent(d, i, "");
		else
			decide_control_answer_with(d, i, REASON_OK, "");
		return true;
	}
	return false;
}

void decide_work_tick(struct decider *d, uint64_t now)
{
	for (int i = 0; i < DECIDE_CLIENTS; i++)
		if (waits(&d->client[i]) && now >= d->client[i].until_boot_ms)
			silent(d, i, "no answer in time");
}

uint64_t decide_work_wake(const struct decider *d)
{
	uint64_t at = UINT64_MAX;

	for (int i = 0; i < DECIDE_CLIENTS; i++)
		if (waits(&d->client[i]))
			at = MIN(at, d->client[i].until_boot_ms);
	return at;
}
