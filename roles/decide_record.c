/* What goes to audit, and its answers. */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"

void decide_record_text(char *field, size_t field_bytes, const char *text)
{
	(void)log_quote(text, strlen(text), field, field_bytes);
}

struct msg_audit decide_record(const struct decider *d, enum audit_kind kind,
			       enum audit_phase phase, enum reason reason, const char *subject)
{
	struct msg_audit record = { .kind = kind, .phase = phase, .reason = reason };

	record.policy_serial = d->docs.has_policy ? d->docs.policy.serial : 0;
	decide_record_text(record.subject, sizeof(record.subject), subject);
	return record;
}

void decide_record_alarm(struct decider *d, const struct msg_audit *record)
{
	d->n_alarms++;
	d->alarm_boot_ms = loop_now_boot_ms();
	(void)snprintf(d->alarm, sizeof(d->alarm), "%.48s: %.200s", record->subject,
		       record->detail);
}

uint32_t decide_record_send(struct decider *d, struct msg_audit *record)
{
	int fd = d->role.peer_fd[ROLE_AUDIT];
	int r;

	if (++d->next_record_id == 0)
		d->next_record_id = 1; /* 0 asks for no answer */
	record->id = d->next_record_id;
	r = fd < 0 ? -EPIPE : ipc_send(fd, record, sizeof(*record), -1);
	if (r == 0)
		return record->id;
	d->plan.audit_failed = true;
	log_err(r, "record kind %u about '%s' does not reach audit; the machine can only close",
		(unsigned)record->kind, record->subject);
	return 0;
}

void decide_record_acked(struct decider *d, uint64_t now)
{
	struct msg_audit_ack ack;
	int r = ipc_recv(d->role.peer_fd[ROLE_AUDIT], &ack, sizeof(ack), NULL);

	if (r == -EAGAIN)
		return;
	if (r < 0) { /* its successor comes by way of the supervisor */
		(void)close(take_fd(&d->role.peer_fd[ROLE_AUDIT]));
		d->plan.audit_failed = true;
		d->changed = true;
		return;
	}
	d->acked_record_id = ack.id;
	if (ack.error == 0) {
		d->head_seq = ack.seq;
		memcpy(d->head, ack.head, sizeof(d->head));
	} else {
		d->plan.audit_failed = true;
		d->changed = true;
	}
	decide_power_audited(d, ack.id, ack.error);
	if (!decide_tamper_audited(d, ack.id, ack.error) &&
	    !decide_plan_audited(&d->plan, ack.id, ack.error, now) &&
	    !decide_consent_audited(d, ack.id, ack.error, now) &&
	    !decide_work_audited(d, ack.id, ack.error))
		decide_disks_audited(d, ack.id, ack.error);
}
