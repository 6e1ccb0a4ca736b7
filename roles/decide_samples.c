/* What the rules dropped: samples from sniff, sums to audit, the last one to people. */
#include "roles/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "netguard/blocked_text.h"

void decide_samples_claim(struct decider *d, const struct msg_blocked *m, uint64_t now)
{
	uint32_t ifindex = m->in_ifindex ? m->in_ifindex : m->out_ifindex;
	const struct link_entry *link = link_table_find(&d->links, ifindex);

	if (m->what >= N_BLOCKED_WHATS)
		die("sniff broke its contract");
	if (m->what == BLOCKED_NONE)
		decide_blocked_lost(&d->blocked, m->n_lost, now);
	else
		decide_blocked_take(&d->blocked, link ? link->ifname : "?", m, now);
}

/* An event that nothing waits for: whether it is written changes no permission. */
static void record(struct decider *d, const struct decide_blocked_sum *sum)
{
	bool lost = sum->name[0] == '\0';
	struct msg_audit r = decide_record(d, AUDIT_BLOCKED, AUDIT_EVENT, REASON_OK,
					   lost ? "samples" : sum->name);
	char line[MSG_TEXT_BYTES], last[BLOCKED_TEXT_BYTES];

	if (lost) {
		(void)snprintf(line, sizeof(line), "samples were lost: at least %u",
			       (unsigned)sum->n);
		log_warn(0, "of blocked packets, %s", line);
	} else {
		blocked_text(&sum->last, last);
		(void)snprintf(line, sizeof(line), "at least %u in %llu s, last %s",
			       (unsigned)sum->n, (unsigned long long)sum->span_ms / 1000, last);
		decide_record_text(r.to, sizeof(r.to), blocked_text_what(sum->what));
	}
	decide_record_text(r.detail, sizeof(r.detail), line);
	(void)decide_record_send(d, &r); /* said there */
}

void decide_samples_tick(struct decider *d, uint64_t now)
{
	struct decide_blocked_sum sum;

	while (decide_blocked_next(&d->blocked, now, &sum))
		record(d, &sum);
}
