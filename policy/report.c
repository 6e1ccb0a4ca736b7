#include "policy/report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "policy/report_check.h"
#include "policy/report_model.h"

enum { GROW = 64 };

int report_new(struct report **ret)
{
	struct report *r = calloc(1, sizeof(*r));

	if (!r)
		return -ENOMEM;
	*ret = r;
	return 0;
}

void report_free(struct report *report)
{
	if (!report)
		return;
	free(report->span);
	free(report->gap);
	free(report->event);
	free(report);
}

/* Room for one more entry at the end of *array; the oldest go when there are max of them. NULL: no
 * memory. */
static void *append(struct report *report, void **array, uint32_t *n, size_t entry_bytes,
		    uint32_t max)
{
	char *base = *array;

	if (*n == max) { /* half at once, so that a long log costs no more per record */
		memmove(base, base + (size_t)(max - max / 2) * entry_bytes,
			(size_t)(max / 2) * entry_bytes);
		*n = max / 2;
		report->n_dropped += max - max / 2;
	} else if (*n % GROW == 0) {
		base = reallocarray(*array, *n + GROW, entry_bytes);
		if (!base)
			return NULL;
		*array = base;
	}
	memset(base + (size_t)*n * entry_bytes, 0, entry_bytes);
	return base + (size_t)(*n)++ * entry_bytes;
}

static struct report_span *append_span(struct report *r)
{
	void *array = r->span;
	struct report_span *s = append(r, &array, &r->n_spans, sizeof(*s), REPORT_SPANS_MAX);

	r->span = array;
	return s;
}

static int add_gap(struct report *r, uint64_t from_ms, uint64_t to_ms, bool orderly)
{
	void *array = r->gap;
	struct report_gap *g = append(r, &array, &r->n_gaps, sizeof(*g), REPORT_GAPS_MAX);

	r->gap = array;
	if (!g)
		return -ENOMEM;
	*g = (struct report_gap){ .from_ms = from_ms, .to_ms = to_ms, .orderly = orderly };
	return 0;
}

static int add_event(struct report *r, const struct audit_line *line)
{
	void *array = r->event;
	struct report_event *e = append(r, &array, &r->n_events, sizeof(*e), REPORT_EVENTS_MAX);

	r->event = array;
	if (!e)
		return -ENOMEM;
	*e = (struct report_event){ .seq = line->seq,
				    .wall_ms = line->wall_ms,
				    .record = line->record };
	return 0;
}

/* The span that an uplink is in, if the log says so. */
static struct report_span *current_span(struct report *r, const char *uplink)
{
	for (uint32_t i = r->n_spans; i > 0; i--)
		if (r->span[i - 1].open && strcmp(r->span[i - 1].uplink, uplink) == 0)
			return &r->span[i - 1];
	return NULL;
}

static void end_spans(struct report *r, uint64_t at_ms)
{
	for (uint32_t i = 0; i < r->n_spans; i++)
		if (r->span[i].open) {
			r->span[i].to_ms = at_ms;
			r->span[i].open = false;
		}
}

static bool company_near(const struct report *r)
{
	for (uint32_t i = 0; i < r->n_spans; i++)
		if (r->span[i].open && (strcmp(r->span[i].zone, "suspect") == 0 ||
					strcmp(r->span[i].zone, "proven") == 0))
			return true;
	return false;
}

static int on_zone(struct report *r, const struct audit_line *line)
{
	struct report_span *s = current_span(r, line->record.subject);

	if (s) {
		s->to_ms = line->wall_ms;
		s->open = false;
	}
	s = append_span(r);
	if (!s)
		return -ENOMEM;
	memcpy(s->uplink, line->record.subject, sizeof(s->uplink));
	memcpy(s->zone, line->record.to, sizeof(s->zone));
	memcpy(s->proof, line->record.zone_proof, sizeof(s->proof));
	s->from_ms = line->wall_ms;
	s->to_ms = line->wall_ms;
	s->open = true;
	if (r->n_open > 0 && r->company_ms == 0 && company_near(r))
		r->company_ms = line->wall_ms;
	return 0;
}

/* A start ends what an earlier life of the daemon left open. */
static int on_start(struct report *r, const struct audit_line *line)
{
	uint64_t from_ms = r->running ? r->last_ms : r->stopped_ms;
	int ret = 0;

	if (r->n_records > 0)
		ret = add_gap(r, from_ms, line->wall_ms, !r->running);
	end_spans(r, from_ms);
	for (uint32_t i = 0; i < r->n_disks; i++)
		r->disk[i].unlocked = false; /* keys live in the daemon's memory only */
	r->n_open = 0;			     /* the kernel has ended grants that nobody renewed */
	r->company_ms = 0;
	if (line->record.to[0])
		memcpy(r->placement, line->record.to, sizeof(r->placement));
	r->running = true;
	return ret;
}

static void on_stop(struct report *r, const struct audit_line *line)
{
	end_spans(r, line->wall_ms);
	r->running = false;
	r->stopped_ms = line->wall_ms;
}

/* A grant that leaves out the corporate prefixes is one of personal: design 4.1. */
static bool is_personal(const char *state)
{
	return strcmp(state, "open-less-corporate") == 0 || strcmp(state, "portal") == 0;
}

static void on_grant(struct report *r, const struct audit_line *line)
{
	const struct msg_audit *a = &line->record;

	if (a->phase == AUDIT_INTENT) { /* the moment of the decision */
		r->n_leaks += is_personal(a->to) && company_near(r);
	} else if (is_personal(a->to) && a->reason == REASON_OK) {
		r->n_personal_open++;
		r->n_open++;
	} else if (is_personal(a->from) && r->n_open > 0) {
		r->n_open--;
		if (r->n_open == 0 && r->company_ms > 0) {
			uint64_t took_ms =
				line->wall_ms > r->company_ms ? line->wall_ms - r->company_ms : 0;

			r->n_closings++;
			r->slowest_ms = took_ms > r->slowest_ms ? took_ms : r->slowest_ms;
			r->company_ms = 0;
		}
	}
}

static struct report_disk *find_disk(struct report *r, const char *name)
{
	for (uint32_t i = 0; i < r->n_disks; i++)
		if (strcmp(r->disk[i].name, name) == 0)
			return &r->disk[i];
	if (r->n_disks == REPORT_DISKS) {
		r->n_dropped++;
		return NULL;
	}
	memcpy(r->disk[r->n_disks].name, name, MSG_NAME_BYTES);
	return &r->disk[r->n_disks++];
}

static void on_disk(struct report *r, const struct audit_line *line)
{
	const struct msg_audit *a = &line->record;
	struct report_disk *d = find_disk(r, a->subject);

	if (d)
		report_leaf_take(&d->leaf, a);
	if (!d || a->phase == AUDIT_INTENT)
		return;
	if (a->kind == AUDIT_LOCK && a->reason != REASON_OK)
		return;
	if (a->kind == AUDIT_LOCK) {
		d->unlocked = false;
		d->last_lock_ms = line->wall_ms;
	} else if (a->reason == REASON_OK) {
		d->unlocked = true;
		d->n_unlocks++;
		d->last_unlock_ms = line->wall_ms;
	} else {
		d->n_refused++;
		d->last_reason = a->reason;
	}
}

static void count(uint64_t *n, bool one_more)
{
	if (one_more)
		(*n)++;
	else if (*n > 0)
		(*n)--;
}

static void on_disk_work(struct report *r, const struct audit_line *line)
{
	const struct msg_audit *a = &line->record;
	struct report_disk *d = find_disk(r, a->subject);
	bool exported = strcmp(a->to, "exported") == 0;
	/* the intent counts: a power cut may have kept the outcome out of the log, not the plaintext
	 * from the disk. Who came while the log was silent was sent away again */
	bool begun = a->phase == AUDIT_INTENT;

	if (d)
		report_leaf_take(&d->leaf, a);
	if (!d || (!begun && a->reason != REASON_NET_NO_AUDIT))
		return;
	if (strcmp(a->to, "new MAC") == 0) {
		count(&d->n_vouched, begun);
		return;
	}
	if (!exported)
		count(&d->n_converted, begun);
	if (!exported && strcmp(a->to, "plain") != 0)
		return;
	count(&d->n_plain, begun);
	if (begun)
		d->last_plain_ms = line->wall_ms;
}

static void on_layers(struct report *r, const struct audit_line *line)
{
	struct report_disk *d = find_disk(r, line->record.subject);

	if (d)
		report_leaf_take(&d->leaf, &line->record);
}

static int on_record(struct report *r, const struct audit_line *line)
{
	switch ((enum audit_kind)line->record.kind) {
	case AUDIT_START:
		return on_start(r, line);
	case AUDIT_ZONE:
		return on_zone(r, line);
	case AUDIT_STOP:
		on_stop(r, line);
		break;
	case AUDIT_GRANT:
		on_grant(r, line);
		break;
	case AUDIT_UNLOCK:
	case AUDIT_LOCK:
		on_disk(r, line);
		break;
	case AUDIT_DISK:
		on_disk_work(r, line);
		break;
	case AUDIT_LAYERS:
		on_layers(r, line);
		break;
	case AUDIT_POLICY:
		if (line->record.reason == REASON_OK)
			r->n_policy_taken++;
		else
			r->n_policy_refused++;
		break;
	case AUDIT_CHECKPOINT:
	case AUDIT_TAMPER:
	case AUDIT_PROOF:
	case AUDIT_ROLE:
	case AUDIT_RECOVER:
	case AUDIT_HOME:
	case AUDIT_ALLOW:
	case AUDIT_BLOCKED:
	case N_AUDIT_KINDS:
		break;
	}
	return 0;
}

int report_add(struct report *r, const struct audit_line *line)
{
	int ret = add_event(r, line);

	if (ret == 0)
		ret = on_record(r, line);
	if (ret < 0)
		return ret;
	if (r->n_records == 0)
		r->first_ms = line->wall_ms;
	else if (line->wall_ms < r->last_ms)
		r->n_backward++;
	r->last_ms = line->wall_ms;
	r->by_kind[line->record.kind]++;
	r->n_records++;
	return 0;
}

const char *report_verdict_name(enum report_verdict verdict)
{
	switch (verdict) {
	case REPORT_GOOD:
		return "good";
	case REPORT_NOTE:
		return "note";
	case REPORT_BAD:
		return "bad";
	case REPORT_UNKNOWN:
		return "unknown";
	}
	abort(); /* not an enum report_verdict */
}

void report_finish(struct report *report, const struct audit_verify *verify,
		   const struct audit_break *first_break, const struct report_facts *facts)
{
	report->verify = *verify;
	report->broken = first_break != NULL;
	if (first_break)
		report->first_break = *first_break;
	report->facts = *facts;
	if (!report->facts.placement && report->placement[0])
		report->facts.placement = report->placement;
	for (uint32_t i = 0; i < report->n_spans; i++)
		if (report->span[i].open)
			report->span[i].to_ms = report->last_ms;
	report_check_all(report);
}
