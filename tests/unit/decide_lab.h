/* decide_lab.h - a policy, two ports, and what was decided for them: shared by tests of decide. */
#ifndef TESTS_UNIT_DECIDE_LAB_H
#define TESTS_UNIT_DECIDE_LAB_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "policy/decide.h"

/* The loosest policy that there is. */
static inline struct policy loosest(void)
{
	return (struct policy){
		.serial = 1,
		.expires_wall_s = 2000000,
		.grace_s = 500,
		.foreign = POLICY_FOREIGN_ALLOW,
		.home_allowed = 1,
		.work_proven = 1,
		.other_uplink_closes = 0,
	};
}

static const struct decide_port ports[] = {
	{ "host0", NET_CLASS_PERSONAL },
	{ "vif1.0", NET_CLASS_WORK },
};

static struct decide_net net;

static inline void decide1(const struct policy *p, enum zone zone)
{
	struct decide_uplink up = { .ifname = "eth0", .zone = zone };

	decide_grants(p, &up, 1, ports, 2, 5000, &net);
}

static inline void decide2(const struct policy *p, enum zone first, enum zone second)
{
	struct decide_uplink up[] = { { .ifname = "eth0", .zone = first },
				      { .ifname = "wlan0", .zone = second } };

	decide_grants(p, up, 2, ports, 2, 5000, &net);
}

static inline void port_is(unsigned i, bool allowed, enum reason reason, const char *by)
{
	assert_int_equal(net.port[i].allowed, allowed);
	assert_int_equal(net.port[i].reason, reason);
	assert_string_equal(net.port[i].by_uplink, by);
}

static inline void has_pair(const char *port, const char *uplink, uint32_t verdict)
{
	bool out = false;
	bool back = false;

	for (unsigned i = 0; i < net.n_grants; i++) {
		const struct msg_grant *g = &net.grant[i];

		assert_int_equal(g->timeout_ms, 5000);
		out = out || (strcmp(g->in_ifname, port) == 0 &&
			      strcmp(g->out_ifname, uplink) == 0 && g->verdict == verdict);
		back = back ||
		       (strcmp(g->in_ifname, uplink) == 0 && strcmp(g->out_ifname, port) == 0 &&
			g->verdict == (verdict == GRANT_VPN ? GRANT_BACK_VPN : GRANT_BACK));
	}
	assert_true(out);
	assert_true(back);
}

#endif
