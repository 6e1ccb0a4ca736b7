/* Zones become grants: what policy says of them goes to nft as the plan allows, and is recorded. */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "roles/decide_portal.h"

enum { STEPS_MAX = 16 }; /* a plan is settled after three; more is a bug of ours */

void decide_enforce_evidence(const struct decider *d, const struct uplink *u,
			     char ret[MSG_NAME_BYTES])
{
	struct classify_why why;
	char line[2 * MSG_NAME_BYTES];

	classify_explain(&u->state, &d->rules, &why);
	if (u->state.zone == ZONE_UNKNOWN)
		line[0] = '\0'; /* an event: nothing is said about the network any more */
	else if (why.kind != 0)
		(void)snprintf(line, sizeof(line), "%s '%s'", classify_sign_name(why.kind),
			       why.source);
	else if (u->state.zone == ZONE_HOME)
		(void)snprintf(line, sizeof(line), "home '%s', no sign", why.source);
	else if (u->state.zone == ZONE_FOREIGN)
		(void)snprintf(line, sizeof(line), "no sign for %u ms", d->rules.foreign_window_ms);
	else
		line[0] = '\0';
	decide_record_text(ret, MSG_NAME_BYTES, line);
}

static const struct uplink *uplink_named(const struct decider *d, const char *ifname)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (strcmp(d->uplink[i].ifname, ifname) == 0)
			return &d->uplink[i];
	return NULL;
}

/* "vif*" stands for every name that begins so. */
static bool port_matches(const struct msg_port_conf *conf, const char *ifname)
{
	size_t n = strnlen(conf->match, sizeof(conf->match));

	if (n > 0 && conf->match[n - 1] == '*')
		return strncmp(conf->match, ifname, n - 1) == 0;
	return strcmp(conf->match, ifname) == 0;
}

/* A link that was an uplink may carry any name now: it is still the way to a network. */
static bool was_uplink(const struct decider *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (d->uplink[i].last_ifindex == ifindex)
			return true;
	return false;
}

/* The links that are ports, in the order of the table. The first line of the configuration that
 * matches gives the class; an uplink is never a port. */
static unsigned find_ports(const struct decider *d, struct decide_port ret[MSG_PORTS])
{
	const struct msg_config *config = &d->role.config;
	unsigned n = 0;

	for (unsigned i = 0; i < LINK_TABLE_LINKS; i++) {
		const struct link_entry *e = &d->links.link[i];

		if (e->ifindex == 0 || strcmp(e->ifname, "lo") == 0 || uplink_named(d, e->ifname) ||
		    was_uplink(d, e->ifindex))
			continue;
		for (uint32_t c = 0; c < config->n_ports; c++) {
			if (!port_matches(&config->port[c], e->ifname))
				continue;
			if (n < MSG_PORTS) {
				memcpy(ret[n].ifname, e->ifname, sizeof(ret[n].ifname));
				ret[n++].net_class = config->port[c].net_class;
			}
			break;
		}
	}
	return n;
}

/* What status shows of a port. Only what audit let through counts as open. */
static void note_port(struct decider *d, const struct decide_port *p,
		      const struct decide_port_result *result, const struct port *before,
		      struct port *ret, uint64_t now)
{
	struct port new = { .net_class = p->net_class,
			    .verdict = result->verdict,
			    .reason = result->reason };

	memcpy(new.ifname, p->ifname, sizeof(new.ifname));
	memcpy(new.by_uplink, result->by_uplink, sizeof(new.by_uplink));
	for (uint32_t i = 0; i < d->plan.allowed.n_grants; i++)
		if (strcmp(d->plan.allowed.grant[i].in_ifname, p->ifname) == 0)
			new.allowed = true;
	if (result->allowed && !new.allowed)
		new.reason = d->plan.audit_failed || d->role.peer_fd[ROLE_AUDIT] < 0
				     ? REASON_NET_NO_AUDIT
				     : REASON_NET_UNKNOWN; /* for the moment of the intent */
	new.since_boot_ms = now;
	for (unsigned i = 0; i < MSG_PORTS; i++)
		if (strcmp(before[i].ifname, p->ifname) == 0 && before[i].allowed == new.allowed &&
		    before[i].reason == new.reason &&before[i].verdict == new.verdict)
			new.since_boot_ms = before[i].since_boot_ms;
	*ret = new;
}

static void ask_policy(struct decider *d, struct decide_port port[MSG_PORTS], unsigned *ret_n_ports,
		       struct decide_net *ret)
{
	/* at the end, and asleep, nothing is wanted, as without a policy */
	const struct policy *policy =
		d->stop_boot_ms != 0 || d->power.suspended ? NULL : decide_docs_policy(d);
	struct decide_uplink uplink[MSG_UPLINKS] = { 0 };
	unsigned n = 0;

	for (unsigned i = 0; i < d->n_uplinks; i++) {
		const struct classify_state *s = &d->uplink[i].state;

		/* one that is gone counts as long as it may come back as what it was */
		if (s->link.ifindex == 0 && !s->closes)
			continue;
		memcpy(uplink[n].ifname, d->uplink[i].ifname, sizeof(uplink[n].ifname));
		uplink[n].kind = d->role.config.uplink[i].kind;
		uplink[n].portal = d->uplink[i].portal_until_boot_ms != 0;
		uplink[n].closes = s->closes;
		uplink[n].agreed = d->uplink[i].agreed;
		uplink[n++].zone = s->zone;
	}
	*ret_n_ports = find_ports(d, port);
	decide_grants(policy, uplink, n, port, *ret_n_ports, PLAN_GRANT_MS, ret);
	decide_plan_endpoints(&d->plan, policy ? policy->vpn : d->plan.endpoint,
			      policy ? policy->n_vpn : 0);
	decide_plan_want(&d->plan, ret, policy ? policy->prefix : d->plan.prefix,
			 policy ? policy->n_prefixes : 0);
}

/* Where prove may go for the weaker proof: what policy names, and nowhere without one. */
static void add_tls(const struct decider *d, struct msg_net_state *state)
{
	const struct policy *policy = decide_docs_policy(d);

	for (uint32_t i = 0; policy && i < policy->n_tls && i < MSG_TLS; i++)
		state->tls[state->n_tls++] = policy->tls[i].server;
}

static void send_state(struct decider *d, uint64_t now)
{
	struct msg_net_state state;
	int fd = d->role.peer_fd[ROLE_NFT];
	int r;

	decide_plan_build(&d->plan, loop_now_wall_s(), &state);
	add_tls(d, &state);
	r = fd < 0 ? -EPIPE : ipc_send(fd, &state, sizeof(state), -1);
	if (r < 0)
		decide_plan_unsent(&d->plan, now);
	else
		decide_plan_sent(&d->plan, now);
}

static uint32_t record_grant(struct decider *d, enum audit_phase phase, const struct msg_grant *g,
			     bool opens)
{
	const struct uplink *u = uplink_named(d, g->out_ifname);
	struct msg_audit record = decide_record(d, AUDIT_GRANT, phase, REASON_OK, g->in_ifname);
	const char *verdict = decide_verdict_name(g->verdict);
	char detail[MSG_TEXT_BYTES];

	decide_record_text(record.from, sizeof(record.from), opens ? "closed" : verdict);
	decide_record_text(record.to, sizeof(record.to), opens ? verdict : "closed");
	if (u)
		decide_enforce_evidence(d, u, record.zone_proof);
	(void)snprintf(detail, sizeof(detail), "out by '%s', zone %s", g->out_ifname,
		       u ? classify_zone_name(u->state.zone) : "none");
	decide_record_text(record.detail, sizeof(record.detail), detail);
	return decide_record_send(d, &record);
}

unsigned decide_enforce_record(struct decider *d, enum audit_phase phase,
			       const struct decide_net *net, bool opens, uint32_t *ret_first_id)
{
	unsigned n = 0;

	for (uint32_t i = 0; i < net->n_grants; i++) {
		uint32_t id;

		if (net->grant[i].verdict == GRANT_BACK || net->grant[i].verdict == GRANT_BACK_VPN)
			continue;
		id = record_grant(d, phase, &net->grant[i], opens);
		if (id == 0)
			return 0;
		if (n++ == 0 && ret_first_id)
			*ret_first_id = id;
	}
	return n;
}

static void record_zones(struct decider *d)
{
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];
		struct msg_audit record;

		if (u->told == u->state.zone)
			continue;
		record = decide_record(d, AUDIT_ZONE, AUDIT_EVENT, REASON_OK, u->ifname);
		decide_record_text(record.from, sizeof(record.from), classify_zone_name(u->told));
		decide_record_text(record.to, sizeof(record.to), classify_zone_name(u->state.zone));
		decide_enforce_evidence(d, u, record.zone_proof);
		log_info("uplink '%s': %s -> %s%s%s", u->ifname, record.from, record.to,
			 record.zone_proof[0] ? ": " : "", record.zone_proof);
		u->told = u->state.zone;
		(void)decide_record_send(d, &record); /* said there */
	}
}

/* What is due by the plan. Records of what was closed come after the messages that close it. */
static void follow_plan(struct decider *d, uint64_t now)
{
	enum decide_plan_step step;
	unsigned n_steps = 0;

	while ((step = decide_plan_next(&d->plan, now, d->role.peer_fd[ROLE_AUDIT] >= 0)) !=
	       PLAN_WAIT) {
		uint32_t first_id = 0;
		unsigned n;

		if (++n_steps > STEPS_MAX)
			die("the plan does not settle");
		if (step == PLAN_SEND) {
			send_state(d, now);
			continue;
		}
		record_zones(d); /* in the order in which it happened */
		n = decide_enforce_record(d, AUDIT_INTENT, &d->plan.intended, true, &first_id);
		decide_plan_intend(&d->plan, first_id, n, now);
	}
}

void decide_enforce(struct decider *d, uint64_t now)
{
	struct decide_port port[MSG_PORTS] = { 0 };
	struct port before[MSG_PORTS];
	struct decide_net wanted;
	unsigned n_ports = 0;
	bool changed;

	decide_portal_check(d, now);
	changed = d->changed;
	d->changed = false;
	if (changed)
		ask_policy(d, port, &n_ports, &wanted);
	follow_plan(d, now);
	record_zones(d);
	if (d->plan.closed.n_grants > 0) {
		(void)decide_enforce_record(d, AUDIT_EVENT, &d->plan.closed, false, NULL);
		d->plan.closed.n_grants = 0;
	}
	if (changed) {
		memcpy(before, d->port, sizeof(before));
		memset(d->port, 0, sizeof(d->port));
		for (unsigned i = 0; i < n_ports; i++)
			note_port(d, &port[i], &wanted.port[i], before, &d->port[i], now);
	}
}
