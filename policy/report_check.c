#include "policy/report_check.h"

#include <stdarg.h>
#include <stdlib.h>

#include "policy/report_model.h"
#include "policy/timestamp.h"

enum { GRANT_MS = 5000 };

__attribute__((format(printf, 4, 5))) static void
check(struct report *r, enum report_verdict verdict, const char *title, const char *fmt, ...)
{
	struct report_check *c = &r->check[r->n_checks];
	va_list args;

	if (r->n_checks == REPORT_CHECKS)
		abort(); /* more checks than report_finish() has room for */
	r->n_checks++;
	c->verdict = verdict;
	c->title = title;
	va_start(args, fmt);
	(void)vsnprintf(c->text, sizeof(c->text), fmt, args);
	va_end(args);
	if (verdict == REPORT_BAD || (verdict == REPORT_UNKNOWN && r->verdict != REPORT_BAD) ||
	    (verdict == REPORT_NOTE && r->verdict == REPORT_GOOD))
		r->verdict = verdict;
}

static unsigned long long llu(uint64_t v)
{
	return v;
}

static void check_log(struct report *r)
{
	const struct audit_verify *v = &r->verify;
	uint64_t last = v->chain.next_seq - 1;

	if (r->broken)
		check(r, REPORT_BAD, "Audit log", "The chain breaks (%s): %s.",
		      audit_fault_name(r->first_break.fault), r->first_break.text);
	else
		check(r, REPORT_GOOD, "Audit log", "All %llu records follow from one another.",
		      llu(r->n_records));
	if (v->n_checkpoints == 0)
		check(r, REPORT_UNKNOWN, "Completeness",
		      "No checkpoint in the TPM: that no record is missing at the end cannot be "
		      "shown.");
	else if (!v->has_anchor)
		check(r, REPORT_NOTE, "Completeness",
		      "%llu checkpoints, the last of record %llu. They were not compared with the "
		      "TPM; give --anchor.",
		      llu(v->n_checkpoints), llu(v->anchored_seq));
	else
		check(r, r->broken ? REPORT_BAD : REPORT_GOOD, "Completeness",
		      "The TPM has counted checkpoint %llu; anchored up to record %llu, %llu "
		      "records came after it.",
		      llu(v->anchor.counter), llu(v->anchored_seq), llu(last - v->anchored_seq));
}

static void check_network(struct report *r)
{
	/* a grant that nobody renews ends after 5 s: longer means that it was kept open */
	bool late = r->slowest_ms > GRANT_MS || (r->company_ms > 0 && r->last_ms > r->company_ms &&
						 r->last_ms - r->company_ms > GRANT_MS);

	if (r->by_kind[AUDIT_ZONE] == 0)
		check(r, REPORT_UNKNOWN, "Company network",
		      "No change of network is on record: nothing can be shown about it.");
	else if (r->n_leaks > 0)
		check(r, r->facts.other_uplink_ignored ? REPORT_NOTE : REPORT_BAD,
		      "Company network",
		      "The personal side was opened %llu times while an uplink was, or may have "
		      "been, on the company's network%s.",
		      llu(r->n_leaks),
		      r->facts.other_uplink_ignored
			      ? "; the policy lets each uplink count for itself"
			      : "");
	else if (late)
		check(r, REPORT_BAD, "Company network",
		      "The personal side stayed open for %llu ms after an uplink was, or may have "
		      "been, on the company's network.",
		      llu(r->slowest_ms > 0 ? r->slowest_ms : r->last_ms - r->company_ms));
	else
		check(r, REPORT_GOOD, "Company network",
		      "%llu changes of network; the personal side was opened %llu times, never "
		      "while an uplink was, or may have been, on the company's network, and closed "
		      "%llu times because one came there, within %llu ms.",
		      llu(r->by_kind[AUDIT_ZONE]), llu(r->n_personal_open), llu(r->n_closings),
		      llu(r->slowest_ms));
}

static void check_disks(struct report *r)
{
	uint64_t n_unlocks = 0;
	uint64_t n_refused = 0;
	uint64_t n_open = 0;
	uint64_t n_plain = 0;

	for (uint32_t i = 0; i < r->n_disks; i++) {
		n_unlocks += r->disk[i].n_unlocks;
		n_refused += r->disk[i].n_refused;
		n_open += r->disk[i].unlocked;
		n_plain += r->disk[i].n_plain;
	}
	check(r, n_refused > 0 ? REPORT_NOTE : REPORT_GOOD, "Disks",
	      "%llu unlocks, %llu refused; %llu unlocked at the last record.", llu(n_unlocks),
	      llu(n_refused), llu(n_open));
	if (n_plain > 0)
		check(r, REPORT_NOTE, "Plaintext",
		      "%llu times a recovery key made a disk, or a copy of one, plain.",
		      llu(n_plain));
	else
		check(r, REPORT_GOOD, "Plaintext", "No disk was made plain or exported here.");
}

static void check_leaves(struct report *r)
{
	uint64_t n_put_back = 0;
	uint64_t n_unclean = 0;
	uint64_t n_vouched = 0;

	for (uint32_t i = 0; i < r->n_disks; i++) {
		n_put_back += r->disk[i].leaf.n_put_back;
		n_unclean += r->disk[i].leaf.n_unclean;
		n_vouched += r->disk[i].n_vouched;
	}
	if (n_put_back > 0)
		check(r, REPORT_BAD, "Put back",
		      "%llu times a disk was unlocked whose session was lower than before: what it "
		      "held on an earlier day was put in its place.",
		      llu(n_put_back));
	else
		check(r, n_unclean + n_vouched > 0 ? REPORT_NOTE : REPORT_GOOD, "Put back",
		      "No disk's sessions went back; %llu unlocks of a disk that was not closed "
		      "cleanly, %llu new MACs for one that had lost its own.",
		      llu(n_unclean), llu(n_vouched));
}

static void check_policy(struct report *r)
{
	const struct report_facts *f = &r->facts;
	char expires[TIMESTAMP_BYTES];

	timestamp_build(f->policy_expires_wall_s, expires);
	if (!f->has_policy)
		check(r, REPORT_UNKNOWN, "Policy",
		      "Taken %llu times, refused %llu times; the one in force was not given.",
		      llu(r->n_policy_taken), llu(r->n_policy_refused));
	else
		check(r,
		      f->policy_expires_wall_s <= f->made_wall_s ? REPORT_BAD
		      : r->n_policy_refused > 0			 ? REPORT_NOTE
								 : REPORT_GOOD,
		      "Policy", "Serial %llu, %s %s; taken %llu times, refused %llu times.",
		      llu(f->policy_serial),
		      f->policy_expires_wall_s <= f->made_wall_s ? "expired" : "expires", expires,
		      llu(r->n_policy_taken), llu(r->n_policy_refused));
}

static void check_gaps(struct report *r)
{
	uint64_t n_torn = 0;

	for (uint32_t i = 0; i < r->n_gaps; i++)
		n_torn += !r->gap[i].orderly;
	if (r->by_kind[AUDIT_TAMPER] > 0)
		check(r, REPORT_BAD, "Tampering", "%llu records of tampering.",
		      llu(r->by_kind[AUDIT_TAMPER]));
	check(r, n_torn + r->n_backward > 0 ? REPORT_NOTE : REPORT_GOOD, "Witness",
	      "%u times without a running daemon, %llu of them without an orderly stop; %llu "
	      "restarts of roles; the clock went back %llu times.",
	      (unsigned)r->n_gaps, llu(n_torn), llu(r->by_kind[AUDIT_ROLE]), llu(r->n_backward));
}

void report_check_all(struct report *report)
{
	check_log(report);
	check_network(report);
	check_disks(report);
	check_leaves(report);
	check_policy(report);
	check_gaps(report);
}
