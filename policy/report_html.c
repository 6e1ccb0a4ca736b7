#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/reason.h"
#include "base/util.h"
#include "policy/report.h"
#include "policy/report_model.h"
#include "policy/report_style.h"
#include "policy/timestamp.h"

enum {
	SVG_WIDTH = 1000,
	SVG_LEFT = 120, /* room for the uplinks' names */
	SVG_ROW = 34,
	UPLINKS = 16,
	WHEN_BYTES = 32,
};

/* Everything from the log is text: it never becomes markup. */
static void put_text(FILE *out, const char *text)
{
	for (; *text; text++)
		switch (*text) {
		case '&':
			(void)fputs("&amp;", out);
			break;
		case '<':
			(void)fputs("&lt;", out);
			break;
		case '>':
			(void)fputs("&gt;", out);
			break;
		case '"':
			(void)fputs("&quot;", out);
			break;
		case '\'':
			(void)fputs("&#39;", out);
			break;
		default:
			(void)fputc(*text, out);
			break;
		}
}

/* "2030-01-31 12:00:05"; the page says once that all times are UTC. */
static const char *when(uint64_t wall_ms, char ret[WHEN_BYTES])
{
	timestamp_build(wall_ms / 1000, ret);
	ret[10] = ' ';
	ret[19] = '\0';
	return ret;
}

static void put_when(FILE *out, uint64_t wall_ms)
{
	char text[WHEN_BYTES];

	if (wall_ms == 0) {
		(void)fputs("–", out);
		return;
	}
	(void)fprintf(out, "<time>%s</time>", when(wall_ms, text));
}

static void put_length(FILE *out, uint64_t ms)
{
	uint64_t s = ms / 1000;

	if (s >= 86400)
		(void)fprintf(out, "%llu d %llu h", (unsigned long long)(s / 86400),
			      (unsigned long long)(s / 3600 % 24));
	else if (s >= 3600)
		(void)fprintf(out, "%llu h %llu min", (unsigned long long)(s / 3600),
			      (unsigned long long)(s / 60 % 60));
	else if (s >= 60)
		(void)fprintf(out, "%llu min %llu s", (unsigned long long)(s / 60),
			      (unsigned long long)(s % 60));
	else
		(void)fprintf(out, "%llu.%llu s", (unsigned long long)s,
			      (unsigned long long)(ms / 100 % 10));
}

static const char *verdict_word(enum report_verdict verdict)
{
	switch (verdict) {
	case REPORT_GOOD:
		return "held";
	case REPORT_NOTE:
		return "look";
	case REPORT_BAD:
		return "broken";
	case REPORT_UNKNOWN:
		return "cannot be shown";
	}
	abort(); /* not an enum report_verdict */
}

static void cell(FILE *out, const char *text)
{
	(void)fputs("<td>", out);
	put_text(out, text);
	(void)fputs("</td>", out);
}

static void cell_when(FILE *out, uint64_t wall_ms)
{
	(void)fputs("<td class=\"t\">", out);
	put_when(out, wall_ms);
	(void)fputs("</td>", out);
}

static void write_head(const struct report *r, FILE *out)
{
	const char *device = r->facts.device ? r->facts.device : "this laptop";
	char text[WHEN_BYTES];

	(void)fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\n"
		    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		    "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		    "style-src 'unsafe-inline'\">\n<title>Bulkhead: ",
		    out);
	put_text(out, device);
	(void)fputs("</title>\n<style>\n", out);
	(void)fputs(REPORT_STYLE, out);
	(void)fputs("</style></head>\n<body>\n<header><p class=\"brand\">Bulkhead report</p><h1>",
		    out);
	put_text(out, device);
	(void)fprintf(out, "</h1>\n<p class=\"verdict %s\">%s</p>\n<dl>\n",
		      report_verdict_name(r->verdict),
		      r->verdict == REPORT_GOOD	     ? "Everything checked here held"
		      : r->verdict == REPORT_NOTE    ? "Held, with points to look at"
		      : r->verdict == REPORT_UNKNOWN ? "Not everything can be shown"
						     : "Something is broken");
	(void)fputs("<div><dt>Period</dt><dd>", out);
	put_when(out, r->first_ms);
	(void)fputs(" to ", out);
	put_when(out, r->last_ms);
	(void)fprintf(out, "</dd></div>\n<div><dt>Records</dt><dd>%llu</dd></div>\n",
		      (unsigned long long)r->n_records);
	if (r->facts.placement) {
		(void)fputs("<div><dt>Placement</dt><dd>", out);
		put_text(out, r->facts.placement);
		(void)fputs("</dd></div>\n", out);
	}
	(void)fprintf(out, "<div><dt>Made</dt><dd><time>%s</time></dd></div>\n",
		      when(r->facts.made_wall_s * 1000, text));
	(void)fputs("<div><dt>Log</dt><dd>", out);
	put_text(out, r->facts.source);
	(void)fputs("</dd></div>\n</dl><p class=\"fine\">All times are UTC.</p></header>\n<main>\n",
		    out);
}

static void write_checks(const struct report *r, FILE *out)
{
	(void)fputs("<section aria-labelledby=\"checks\"><h2 id=\"checks\">Checks</h2><ul "
		    "class=\"checks\">\n",
		    out);
	for (uint32_t i = 0; i < r->n_checks; i++) {
		const struct report_check *c = &r->check[i];

		(void)fprintf(out, "<li class=\"%s\"><span class=\"mark\">%s</span><h3>%s</h3><p>",
			      report_verdict_name(c->verdict), verdict_word(c->verdict), c->title);
		put_text(out, c->text);
		(void)fputs("</p></li>\n", out);
	}
	(void)fputs("</ul></section>\n", out);
}

/* A class of the style sheet; a zone that it does not know has no colour of its own. */
static const char *zone_class(const char *zone)
{
	static const char *const known[] = { "unknown", "suspect", "proven", "foreign", "home" };

	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (strcmp(zone, known[i]) == 0)
			return known[i];
	return "other";
}

static unsigned svg_x(const struct report *r, uint64_t ms)
{
	uint64_t span = r->last_ms > r->first_ms ? r->last_ms - r->first_ms : 1;
	uint64_t at = ms < r->first_ms ? 0 : ms - r->first_ms;

	return SVG_LEFT + (unsigned)((at < span ? at : span) * (SVG_WIDTH - SVG_LEFT) / span);
}

static void write_bar(const struct report *r, FILE *out, const struct report_span *s, unsigned row)
{
	unsigned x = svg_x(r, s->from_ms);
	unsigned width = svg_x(r, s->to_ms) - x;

	(void)fprintf(
		out, "<rect class=\"z-%s\" x=\"%u\" y=\"%u\" width=\"%u\" height=\"%u\"><title>",
		zone_class(s->zone), x, row * SVG_ROW + 6, width > 0 ? width : 1, SVG_ROW - 12);
	put_text(out, s->uplink);
	(void)fputs(": ", out);
	put_text(out, s->zone);
	(void)fputs(", ", out);
	put_length(out, s->to_ms - s->from_ms);
	(void)fputs("</title></rect>\n", out);
}

static void write_timeline(const struct report *r, FILE *out)
{
	const char *uplink[UPLINKS];
	unsigned n = 0;

	for (uint32_t i = 0; i < r->n_spans && n < UPLINKS; i++) {
		bool known = false;

		for (unsigned j = 0; j < n; j++)
			known = known || strcmp(uplink[j], r->span[i].uplink) == 0;
		if (!known)
			uplink[n++] = r->span[i].uplink;
	}
	if (n == 0)
		return;
	(void)fprintf(out,
		      "<figure><svg viewBox=\"0 0 %d %u\" role=\"img\" aria-label=\"Zones of each "
		      "uplink over time; the table below says the same\">\n",
		      SVG_WIDTH, n * SVG_ROW);
	for (unsigned row = 0; row < n; row++) {
		(void)fprintf(out, "<text x=\"0\" y=\"%u\">", row * SVG_ROW + 22);
		put_text(out, uplink[row]);
		(void)fputs("</text>\n", out);
		for (uint32_t i = 0; i < r->n_spans; i++)
			if (strcmp(r->span[i].uplink, uplink[row]) == 0)
				write_bar(r, out, &r->span[i], row);
	}
	(void)fputs("</svg><figcaption><span class=\"k z-unknown\">unknown</span> <span class=\"k "
		    "z-suspect\">suspect</span> <span class=\"k z-proven\">proven (company)</span> "
		    "<span class=\"k z-foreign\">foreign</span> <span class=\"k "
		    "z-home\">home</span></figcaption></figure>\n",
		    out);
}

static void begin_table(FILE *out, const char *caption, const char *const *column, size_t n)
{
	(void)fprintf(out, "<div class=\"scroll\"><table><caption>%s</caption><thead><tr>",
		      caption);
	for (size_t i = 0; i < n; i++)
		(void)fprintf(out, "<th scope=\"col\">%s</th>", column[i]);
	(void)fputs("</tr></thead><tbody>\n", out);
}

static void end_table(FILE *out)
{
	(void)fputs("</tbody></table></div>\n", out);
}

static void write_zones(const struct report *r, FILE *out)
{
	static const char *const columns[] = {
		"Uplink", "Zone", "From", "To", "For", "Because of"
	};

	(void)fputs("<section aria-labelledby=\"zones\"><h2 id=\"zones\">Networks</h2>\n", out);
	write_timeline(r, out);
	if (r->n_spans == 0)
		(void)fputs("<p>No change of network is on record.</p>\n", out);
	else
		begin_table(out, "Zones of each uplink", columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < r->n_spans; i++) {
		const struct report_span *s = &r->span[i];

		(void)fputs("<tr>", out);
		cell(out, s->uplink);
		(void)fprintf(out, "<td><span class=\"k z-%s\">", zone_class(s->zone));
		put_text(out, s->zone);
		(void)fputs("</span></td>", out);
		cell_when(out, s->from_ms);
		if (s->open)
			(void)fputs("<td class=\"t\">end of log</td>", out);
		else
			cell_when(out, s->to_ms);
		(void)fputs("<td class=\"t\">", out);
		put_length(out, s->to_ms > s->from_ms ? s->to_ms - s->from_ms : 0);
		(void)fputs("</td>", out);
		cell(out, s->proof);
		(void)fputs("</tr>\n", out);
	}
	if (r->n_spans > 0)
		end_table(out);
	(void)fputs("</section>\n", out);
}

static void write_disks(const struct report *r, FILE *out)
{
	static const char *const columns[] = { "Disk",	       "State at the end", "Unlocks",
					       "Refused",      "Last unlock",	   "Last lock",
					       "Last refusal", "Conversions",	   "Made plain" };

	(void)fputs("<section aria-labelledby=\"disks\"><h2 id=\"disks\">Disks</h2>\n", out);
	if (r->n_disks == 0) {
		(void)fputs(
			"<p>No disk was unlocked, refused, converted or exported.</p></section>\n",
			out);
		return;
	}
	begin_table(out, "What was asked of each disk", columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < r->n_disks; i++) {
		const struct report_disk *d = &r->disk[i];

		(void)fputs("<tr>", out);
		cell(out, d->name);
		cell(out, d->unlocked ? "unlocked" : "locked");
		(void)fprintf(out, "<td>%llu</td><td>%llu</td>", (unsigned long long)d->n_unlocks,
			      (unsigned long long)d->n_refused);
		cell_when(out, d->last_unlock_ms);
		cell_when(out, d->last_lock_ms);
		cell(out, d->n_refused > 0 ? reason_text((enum reason)d->last_reason) : "");
		(void)fprintf(out, "<td>%llu</td><td>%llu</td>", (unsigned long long)d->n_converted,
			      (unsigned long long)d->n_plain);
		(void)fputs("</tr>\n", out);
	}
	end_table(out);
	(void)fputs("</section>\n", out);
}

static void write_gaps(const struct report *r, FILE *out)
{
	static const char *const columns[] = { "From", "To", "For", "Why" };

	(void)fputs(
		"<section aria-labelledby=\"gaps\"><h2 id=\"gaps\">Without a witness</h2>\n"
		"<p>While the daemon does not run, nothing is open and nothing is recorded.</p>\n",
		out);
	if (r->n_gaps > 0)
		begin_table(out, "Times without a running daemon", columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < r->n_gaps; i++) {
		const struct report_gap *g = &r->gap[i];

		(void)fputs("<tr>", out);
		cell_when(out, g->from_ms);
		cell_when(out, g->to_ms);
		(void)fputs("<td class=\"t\">", out);
		put_length(out, g->to_ms > g->from_ms ? g->to_ms - g->from_ms : 0);
		(void)fputs("</td>", out);
		cell(out, g->orderly ? "stopped" : "ended without saying so");
		(void)fputs("</tr>\n", out);
	}
	if (r->n_gaps > 0)
		end_table(out);
	(void)fputs("</section>\n", out);
}

static void write_event(const struct report_event *e, FILE *out)
{
	const struct msg_audit *a = &e->record;

	(void)fprintf(out, "<tr><td class=\"t\">%llu</td>", (unsigned long long)e->seq);
	cell_when(out, e->wall_ms);
	cell(out, audit_line_kind_name(a->kind));
	cell(out, audit_line_phase_name(a->phase));
	cell(out, a->subject);
	(void)fputs("<td>", out);
	put_text(out, a->from);
	if (a->from[0] || a->to[0])
		(void)fputs(" → ", out);
	put_text(out, a->to);
	(void)fputs("</td>", out);
	cell(out, reason_text((enum reason)a->reason));
	(void)fputs("<td>", out);
	put_text(out, a->zone_proof);
	(void)fputs(a->zone_proof[0] && a->detail[0] ? "; " : "", out);
	put_text(out, a->detail);
	(void)fputs("</td></tr>\n", out);
}

static void write_events(const struct report *r, FILE *out)
{
	static const char *const columns[] = { "Record", "Time",   "What",   "Phase",
					       "Object", "Change", "Result", "Detail" };

	(void)fputs("<section aria-labelledby=\"all\"><h2 id=\"all\">Every record</h2>\n"
		    "<details><summary>Show the log</summary>\n",
		    out);
	if (r->n_dropped > 0)
		(void)fprintf(out, "<p>%llu earlier entries are left out here.</p>\n",
			      (unsigned long long)r->n_dropped);
	begin_table(out, "The audit log", columns, ARRAY_LEN(columns));
	for (uint32_t i = 0; i < r->n_events; i++)
		write_event(&r->event[i], out);
	end_table(out);
	(void)fputs("</details></section>\n", out);
}

void report_html(const struct report *report, FILE *out)
{
	write_head(report, out);
	write_checks(report, out);
	write_zones(report, out);
	write_disks(report, out);
	write_gaps(report, out);
	write_events(report, out);
	(void)fputs("</main>\n</body></html>\n", out);
}
