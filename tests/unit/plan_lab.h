/* plan_lab.h - a grant, a wish and a message sent: what tests of the plan share. */
#ifndef TESTS_UNIT_PLAN_LAB_H
#define TESTS_UNIT_PLAN_LAB_H

#include <string.h>

#include "roles/decide_plan.h"

static inline struct msg_grant a_grant(const char *in, const char *out, uint32_t verdict)
{
	struct msg_grant g = { .verdict = verdict, .timeout_ms = PLAN_GRANT_MS };

	memcpy(g.in_ifname, in, strlen(in));
	memcpy(g.out_ifname, out, strlen(out));
	return g;
}

static inline void want(struct decide_plan *p, struct decide_net net)
{
	decide_plan_want(p, &net, p->prefix, p->n_prefixes);
}

static inline struct msg_net_state send_now(struct decide_plan *p, uint64_t now)
{
	struct msg_net_state s;

	decide_plan_build(p, 1000, &s);
	decide_plan_sent(p, now);
	return s;
}

/* Started, and the first, closing message acknowledged. */

#endif
