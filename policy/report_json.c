#include <string.h>

#include "base/json.h"
#include "base/reason.h"
#include "policy/report.h"
#include "policy/report_model.h"
#include "policy/timestamp.h"

enum { PIECE_BYTES = 4096 };

/* The document is written piece by piece: an element of a list is always below PIECE_BYTES. */
static void flush(struct json *j, FILE *out, const char *before)
{
	size_t n;

	if (json_end(j, &n) < 0)
		return;
	(void)fputs(before, out);
	(void)fwrite(j->out, 1, n, out);
}

static void time_ms(struct json *j, const char *key, uint64_t wall_ms)
{
	char text[TIMESTAMP_MS_BYTES];

	timestamp_ms_build(wall_ms, text);
	json_string(j, key, text);
}

static void write_head(const struct report *r, FILE *out)
{
	char text[TIMESTAMP_BYTES];
	char piece[PIECE_BYTES];
	struct json j;

	timestamp_build(r->facts.made_wall_s, text);
	json_begin(&j, piece, sizeof(piece));
	json_object(&j, NULL);
	json_u64(&j, "v", 1);
	json_string(&j, "made", text);
	if (r->facts.device)
		json_string(&j, "device", r->facts.device);
	if (r->facts.placement)
		json_string(&j, "placement", r->facts.placement);
	json_string(&j, "source", r->facts.source);
	json_string(&j, "verdict", report_verdict_name(r->verdict));
	json_u64(&j, "records", r->n_records);
	json_u64(&j, "dropped", r->n_dropped);
	if (r->n_records > 0) {
		time_ms(&j, "from", r->first_ms);
		time_ms(&j, "to", r->last_ms);
	}
	json_u64(&j, "checkpoints", r->verify.n_checkpoints);
	json_u64(&j, "anchored", r->verify.anchored_seq);
	if (r->broken) {
		json_object(&j, "break");
		json_string(&j, "fault", audit_fault_name(r->first_break.fault));
		json_u64(&j, "line", r->first_break.line);
		json_u64(&j, "seq", r->first_break.seq);
		json_string(&j, "text", r->first_break.text);
		json_object_end(&j);
	}
	flush(&j, out, "");
}

static void write_checks(const struct report *r, FILE *out)
{
	char piece[PIECE_BYTES];

	(void)fputs(",\"checks\":[", out);
	for (uint32_t i = 0; i < r->n_checks; i++) {
		struct json j;

		json_begin(&j, piece, sizeof(piece));
		json_object(&j, NULL);
		json_string(&j, "verdict", report_verdict_name(r->check[i].verdict));
		json_string(&j, "title", r->check[i].title);
		json_string(&j, "text", r->check[i].text);
		json_object_end(&j);
		flush(&j, out, i > 0 ? "," : "");
	}
	(void)fputs("]", out);
}

static void write_spans(const struct report *r, FILE *out)
{
	char piece[PIECE_BYTES];

	(void)fputs(",\"zones\":[", out);
	for (uint32_t i = 0; i < r->n_spans; i++) {
		const struct report_span *s = &r->span[i];
		struct json j;

		json_begin(&j, piece, sizeof(piece));
		json_object(&j, NULL);
		json_string(&j, "uplink", s->uplink);
		json_string(&j, "zone", s->zone);
		json_string(&j, "proof", s->proof);
		time_ms(&j, "from", s->from_ms);
		time_ms(&j, "to", s->to_ms);
		json_bool(&j, "open", s->open);
		json_object_end(&j);
		flush(&j, out, i > 0 ? "," : "");
	}
	(void)fputs("]", out);
}

static void write_disks(const struct report *r, FILE *out)
{
	char piece[PIECE_BYTES];

	(void)fputs(",\"disks\":[", out);
	for (uint32_t i = 0; i < r->n_disks; i++) {
		const struct report_disk *d = &r->disk[i];
		struct json j;

		json_begin(&j, piece, sizeof(piece));
		json_object(&j, NULL);
		json_string(&j, "name", d->name);
		json_bool(&j, "unlocked", d->unlocked);
		json_u64(&j, "unlocks", d->n_unlocks);
		json_u64(&j, "refused", d->n_refused);
		if (d->last_unlock_ms > 0)
			time_ms(&j, "last_unlock", d->last_unlock_ms);
		if (d->last_lock_ms > 0)
			time_ms(&j, "last_lock", d->last_lock_ms);
		if (d->n_refused > 0)
			json_string(&j, "last_refusal", reason_code((enum reason)d->last_reason));
		json_u64(&j, "conversions", d->n_converted);
		json_u64(&j, "made_plain", d->n_plain);
		json_u64(&j, "put_back", d->leaf.n_put_back);
		json_u64(&j, "not_closed", d->leaf.n_unclean);
		json_u64(&j, "vouched", d->n_vouched);
		if (d->n_plain > 0)
			time_ms(&j, "last_made_plain", d->last_plain_ms);
		json_object_end(&j);
		flush(&j, out, i > 0 ? "," : "");
	}
	(void)fputs("]", out);
}

static void write_gaps(const struct report *r, FILE *out)
{
	char piece[PIECE_BYTES];

	(void)fputs(",\"gaps\":[", out);
	for (uint32_t i = 0; i < r->n_gaps; i++) {
		struct json j;

		json_begin(&j, piece, sizeof(piece));
		json_object(&j, NULL);
		time_ms(&j, "from", r->gap[i].from_ms);
		time_ms(&j, "to", r->gap[i].to_ms);
		json_bool(&j, "orderly", r->gap[i].orderly);
		json_object_end(&j);
		flush(&j, out, i > 0 ? "," : "");
	}
	(void)fputs("]", out);
}

static void write_events(const struct report *r, FILE *out)
{
	char piece[PIECE_BYTES];

	(void)fputs(",\"events\":[", out);
	for (uint32_t i = 0; i < r->n_events; i++) {
		const struct report_event *e = &r->event[i];
		struct json j;

		json_begin(&j, piece, sizeof(piece));
		json_object(&j, NULL);
		json_u64(&j, "seq", e->seq);
		time_ms(&j, "t", e->wall_ms);
		json_string(&j, "kind", audit_line_kind_name(e->record.kind));
		json_string(&j, "phase", audit_line_phase_name(e->record.phase));
		json_string(&j, "reason", reason_code((enum reason)e->record.reason));
		json_string(&j, "subject", e->record.subject);
		json_string(&j, "from", e->record.from);
		json_string(&j, "to", e->record.to);
		json_string(&j, "proof", e->record.zone_proof);
		json_string(&j, "detail", e->record.detail);
		json_object_end(&j);
		flush(&j, out, i > 0 ? "," : "");
	}
	(void)fputs("]", out);
}

void report_json(const struct report *report, FILE *out)
{
	write_head(report, out);
	write_checks(report, out);
	write_spans(report, out);
	write_disks(report, out);
	write_gaps(report, out);
	write_events(report, out);
	(void)fputs("}\n", out);
}
