/* plan_lab.h - a grant, a wish and a message sent: what tests of the plan share. */
#ifndef TESTS_UNIT_PLAN_LAB_H
#define TESTS_UNIT_PLAN_LAB_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

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

static inline struct decide_net net_of(const struct msg_grant *grant, uint32_t n)
{
	struct decide_net net = { .n_grants = n };

	memcpy(net.grant, grant, n * sizeof(*grant));
	return net;
}

static inline struct decide_net personal_open(void)
{
	return net_of(
		(const struct msg_grant[]){ a_grant("host0", "eth0", GRANT_OPEN_LESS_CORPORATE),
					    a_grant("eth0", "host0", GRANT_BACK) },
		2);
}

static inline struct decide_net work_vpn(void)
{
	return (struct decide_net){ .n_grants = 2,
				    .grant = { a_grant("vif1.0", "eth0", GRANT_VPN),
					       a_grant("eth0", "vif1.0", GRANT_BACK_VPN) } };
}

/* Started, and the first, closing message acknowledged. */
static inline struct decide_plan started(void)
{
	struct decide_plan p;

	decide_plan_init(&p, 7);
	assert_int_equal(decide_plan_next(&p, 10, true), PLAN_SEND);
	assert_int_equal(decide_plan_acked(&p, send_now(&p, 10).id, 0, 10), PLAN_ACK_OK);
	return p;
}

/* ... and `net` open. */
static inline struct decide_plan opened(struct decide_net net, uint64_t now)
{
	struct decide_plan p = started();

	want(&p, net);
	assert_int_equal(decide_plan_next(&p, now, true), PLAN_INTENT);
	decide_plan_intend(&p, 100, 1, now);
	assert_true(decide_plan_audited(&p, 100, 0, now));
	assert_int_equal(decide_plan_next(&p, now, true), PLAN_SEND);
	assert_int_equal(decide_plan_acked(&p, send_now(&p, now).id, 0, now), PLAN_ACK_OK);
	return p;
}

#endif
