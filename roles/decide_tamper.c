/* What nft found changed by others: it has closed already where that was needed; what is left is to record. */
#include "roles/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"

static void describe(const struct msg_tamper *m, char ret[MSG_TEXT_BYTES])
{
	if (m->kind == NET_TAMPER_RULES)
		(void)snprintf(
			ret, MSG_TEXT_BYTES,
			"changed by process '%s' (%u); uplinks taken down, rules loaded anew",
			m->process, (unsigned)m->pid);
	else if (m->kind == NET_TAMPER_LOST)
		(void)snprintf(ret, MSG_TEXT_BYTES,
			       "news of changes were lost; uplinks taken down, rules loaded anew");
	else if (m->kind == NET_TAMPER_XDP)
		(void)snprintf(ret, MSG_TEXT_BYTES,
			       "%s passes by all rules of the namespace; uplinks taken down",
			       m->what);
	else if (m->kind == NET_TAMPER_LINK)
		(void)snprintf(ret, MSG_TEXT_BYTES, "renamed to '%s'; it was taken down", m->what);
	else
		(void)snprintf(ret, MSG_TEXT_BYTES, "'%s' was changed; %s", m->what,
			       m->error < 0 ? "it cannot be set right: uplinks taken down"
					    : "it is set right again");
}

static struct msg_audit record_of(const struct decider *d, const struct msg_tamper *m,
				  uint32_t n_told)
{
	static const char *const subjects[N_NET_TAMPERS] = {
		[NET_TAMPER_RULES] = "rules", [NET_TAMPER_LOST] = "rules",
		[NET_TAMPER_LINK] = "uplink", [NET_TAMPER_SWITCH] = "kernel switch",
		[NET_TAMPER_XDP] = "XDP",
	};
	struct msg_audit record =
		decide_record(d, AUDIT_TAMPER, AUDIT_EVENT, REASON_OK, subjects[m->kind]);
	char detail[MSG_TEXT_BYTES], more[48] = "", line[MSG_TEXT_BYTES + 64];

	describe(m, detail);
	if (m->n_more > 0)
		(void)snprintf(more, sizeof(more), "; %u more after it", (unsigned)m->n_more);
	(void)snprintf(line, sizeof(line), "%s%s%s", detail, more, n_told ? "; told again" : "");
	decide_record_text(record.detail, sizeof(record.detail), line);
	return record;
}

/* The one that is written already under this id, or else a free one, or NULL. */
static struct tamper *slot_of(struct decider *d, uint32_t id)
{
	struct tamper *free_one = NULL;

	for (unsigned i = 0; i < DECIDE_TAMPERS; i++) {
		struct tamper *t = &d->tamper[i];

		if (t->record_id != 0 && t->id == id)
			return t;
		if (t->record_id == 0)
			free_one = t;
	}
	return free_one;
}

/* Once for each: the same may be told many times while audit is not there. Ids count up and wrap. */
static void alarm_once(struct decider *d, uint32_t id, const struct msg_audit *record)
{
	if (d->n_alarms > 0 && (int32_t)(id - d->last_tamper_id) <= 0)
		return;
	d->last_tamper_id = id;
	decide_record_alarm(d, record);
	log_warn(0, "tampered: %s: %s", record->subject, record->detail);
}

void decide_tamper_told(struct decider *d, const struct msg_sup *msg)
{
	struct tamper *t = slot_of(d, msg->id);
	struct msg_audit record;

	if (!msg_tamper_ok(&msg->tamper))
		die("the supervisor broke its contract");
	record = record_of(d, &msg->tamper, msg->what);
	alarm_once(d, msg->id, &record);
	if (!t || t->record_id != 0 || d->role.peer_fd[ROLE_AUDIT] < 0)
		return; /* it is told again */
	*t = (struct tamper){ .id = msg->id, .record_id = decide_record_send(d, &record) };
}

bool decide_tamper_audited(struct decider *d, uint32_t record_id, int error)
{
	struct msg_sup msg = { .verb = SUP_TAMPER_RECORDED };

	for (unsigned i = 0; i < DECIDE_TAMPERS; i++) {
		struct tamper *t = &d->tamper[i];

		if (t->record_id != record_id)
			continue;
		t->record_id = 0;
		msg.id = t->id;
		if (error == 0)
			role_send_sup(&msg, -1);
		return true;
	}
	return false;
}

void decide_tamper_forget(struct decider *d)
{
	memset(d->tamper, 0, sizeof(d->tamper));
}
