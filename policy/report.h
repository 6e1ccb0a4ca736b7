/* report.h - what happened, from the audit log: a page for people, JSON for programs.
 *
 * report_new(), then report_add() for each record in its order, report_finish() once, then
 * report_html() or report_json(). The page is self-contained: styles inside, no script, nothing
 * fetched. What the log cannot show is said as "cannot be shown". */
#ifndef POLICY_REPORT_H
#define POLICY_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "policy/audit_verify.h"

struct report;

/* What stands beside the log. Texts are borrowed until report_free(). */
struct report_facts {
	const char *device;    /* name, or NULL: not known */
	const char *placement; /* "dom0", or NULL */
	const char *source;    /* the log's path */
	uint64_t made_wall_s;
	bool has_policy;
	uint64_t policy_serial;
	uint64_t policy_expires_wall_s;
	bool other_uplink_ignored; /* the policy lets each uplink count for itself */
};

/* -ENOMEM. */
int report_new(struct report **ret);
void report_free(struct report *report);

/* -ENOMEM. */
int report_add(struct report *report, const struct audit_line *line);

/* verify has seen every line; first_break: NULL when it found none. Both are copied. */
void report_finish(struct report *report, const struct audit_verify *verify,
		   const struct audit_break *first_break, const struct report_facts *facts);

/* Write to out; the caller checks ferror(). */
void report_html(const struct report *report, FILE *out);
void report_json(const struct report *report, FILE *out);

#endif
