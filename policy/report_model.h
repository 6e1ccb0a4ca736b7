/* report_model.h - what report.c gathers and report_html.c and report_json.c write. */
#ifndef POLICY_REPORT_MODEL_H
#define POLICY_REPORT_MODEL_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/report.h"
#include "policy/report_leaf.h"

enum {
	/* More than a year of plugging in and out; the newest are kept and the rest is counted. */
	REPORT_EVENTS_MAX = 20000,
	REPORT_SPANS_MAX = 8000,
	REPORT_GAPS_MAX = 500,
	REPORT_DISKS = 32,
	REPORT_CHECKS = 9,
	REPORT_TEXT_BYTES = 320,
};

/* An uplink's time in one zone. */
struct report_span {
	char uplink[MSG_NAME_BYTES];
	char zone[32];
	char proof[MSG_NAME_BYTES];
	uint64_t from_ms;
	uint64_t to_ms;
	bool open; /* nothing ended it: the log ends here */
};

/* A time for which the log has no witness. */
struct report_gap {
	uint64_t from_ms;
	uint64_t to_ms;
	bool orderly; /* the daemon was stopped, and said so */
};

struct report_event {
	uint64_t seq;
	uint64_t wall_ms;
	struct msg_audit record;
};

struct report_disk {
	char name[MSG_NAME_BYTES];
	bool unlocked;
	uint64_t n_unlocks;
	uint64_t n_refused;
	uint64_t last_unlock_ms; /* 0: never */
	uint64_t last_lock_ms;
	uint32_t last_reason;
	uint64_t n_converted; /* conversions in place that were begun or resumed */
	uint64_t n_plain;     /* of these decryptions; and exports. Begun is enough */
	uint64_t last_plain_ms;
	uint64_t n_vouched; /* a new MAC, for what nobody vouched for any more */
	struct report_leaf leaf;
};

enum report_verdict { REPORT_GOOD, REPORT_NOTE, REPORT_BAD, REPORT_UNKNOWN };

/* One line of the summary. */
struct report_check {
	enum report_verdict verdict;
	const char *title;
	char text[REPORT_TEXT_BYTES];
};

struct report {
	struct report_span *span;
	struct report_gap *gap;
	struct report_event *event;
	uint32_t n_spans;
	uint32_t n_gaps;
	uint32_t n_events;
	uint64_t n_dropped; /* spans, gaps, events and disks that found no room */
	uint32_t n_disks;
	struct report_disk disk[REPORT_DISKS];
	uint64_t n_records;
	uint64_t first_ms;
	uint64_t last_ms;
	char placement[32]; /* as the last start said */
	bool running;	    /* between a start and its stop */
	uint64_t stopped_ms;
	uint64_t by_kind[N_AUDIT_KINDS];
	uint64_t n_policy_taken;
	uint64_t n_policy_refused;
	uint64_t n_leaks; /* decided to open personal while an uplink was suspect or proven */
	uint64_t n_personal_open; /* how often personal was opened at all */
	uint32_t n_open;	  /* grants of personal that are open now */
	uint64_t company_ms;	  /* since when they should be closed; 0: they need not */
	uint64_t n_closings;	  /* how often that was so, and how long it took at most */
	uint64_t slowest_ms;
	uint64_t n_backward; /* records whose clock is behind the one before */
	uint32_t n_checks;
	struct report_check check[REPORT_CHECKS];
	enum report_verdict verdict; /* the worst of the checks */
	struct audit_verify verify;
	bool broken;
	struct audit_break first_break;
	struct report_facts facts;
};

/* "good", "note", "bad", "unknown" */
const char *report_verdict_name(enum report_verdict verdict);

#endif
