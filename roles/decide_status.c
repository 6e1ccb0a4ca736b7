/* What is shown of the daemon: once to who asks, and after every change to who stays. */
#include "roles/decide.h"

#include <errno.h>
#include <string.h>

#include "base/ipc.h"

enum { BEHIND_MS = 1000 }; /* who could not take an answer is tried again so often */

static void show_uplinks(const struct decider *d, struct msg_ctl_reply *r, uint64_t now)
{
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		const struct uplink *u = &d->uplink[i];
		struct msg_uplink_status *s = &r->uplink[r->n_uplinks++];
		struct classify_why why;

		classify_explain(&u->state, &d->rules, &why);
		memcpy(s->ifname, u->ifname, sizeof(s->ifname));
		s->zone = u->state.zone;
		s->carrier = u->state.link.carrier;
		s->since_boot_ms = u->state.since_boot_ms;
		s->sign = why.kind;
		s->wait = why.wait;
		memcpy(s->source, why.source, sizeof(s->source));
		s->window_left_ms = why.window_left_ms;
		s->sign_left_ms = why.sign_left_ms;
		s->proof_left_ms = why.proof_left_ms;
		if (u->portal_until_boot_ms > now)
			s->portal_left_ms = (uint32_t)(u->portal_until_boot_ms - now);
	}
}

static void show_ports(const struct decider *d, struct msg_ctl_reply *r, uint64_t now)
{
	for (unsigned i = 0; i < MSG_PORTS; i++) {
		const struct port *p = &d->port[i];
		struct msg_port_status *s = &r->port[r->n_ports];

		if (p->ifname[0] == '\0')
			continue;
		r->n_ports++;
		memcpy(s->ifname, p->ifname, sizeof(s->ifname));
		memcpy(s->by_uplink, p->by_uplink, sizeof(s->by_uplink));
		s->net_class = p->net_class;
		s->allowed = p->allowed;
		s->verdict = p->allowed ? p->verdict : 0;
		s->reason = p->reason;
		s->since_boot_ms = p->since_boot_ms;
		(void)decide_blocked_find(&d->blocked, p->ifname, now, &s->blocked,
					  &s->blocked_boot_ms, &s->n_blocked); /* none: zeros */
	}
}

static void show_disks(const struct decider *d, struct msg_ctl_reply *r)
{
	for (unsigned i = 0; i < MSG_DISKS; i++) {
		const struct msg_disk *disk = &d->disk[i];
		struct msg_disk_status *s = &r->disk[r->n_disks];

		if (disk->name[0] == '\0')
			continue;
		r->n_disks++;
		memcpy(s->name, disk->name, sizeof(s->name));
		s->unlocked = true;
		s->nbd_index = disk->nbd_index;
		s->not_after_wall_s = disk->not_after_wall_s;
		memcpy(s->leaf, disk->leaf, sizeof(s->leaf));
	}
}

void decide_status_build(const struct decider *d, uint64_t now, struct msg_ctl_reply *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->now_boot_ms = now;
	ret->net_up = d->plan.up;
	ret->placement = d->role.config.placement;
	if (d->docs.has_policy) {
		ret->policy_serial = d->docs.policy.serial;
		ret->policy_expires_wall_s = d->docs.policy.expires_wall_s;
	} else {
		memcpy(ret->detail, d->docs.policy_detail, sizeof(ret->detail));
	}
	ret->alarm_boot_ms = d->alarm_boot_ms;
	ret->n_alarms = d->n_alarms;
	memcpy(ret->alarm, d->alarm, sizeof(ret->alarm));
	show_uplinks(d, ret, now);
	show_ports(d, ret, now);
	show_disks(d, ret);
}

/* What only counts time or packets is no change. */
static void still(struct msg_ctl_reply *r)
{
	r->now_boot_ms = 0;
	for (uint32_t i = 0; i < r->n_uplinks; i++) {
		r->uplink[i].window_left_ms = 0;
		r->uplink[i].sign_left_ms = 0;
		r->uplink[i].proof_left_ms = 0;
		r->uplink[i].portal_left_ms = 0;
	}
	for (uint32_t i = 0; i < r->n_ports; i++) {
		r->port[i].blocked_boot_ms = 0;
		r->port[i].n_blocked = 0;
		memset(&r->port[i].blocked, 0, sizeof(r->port[i].blocked));
	}
}

static void tell(struct decider *d, int client, struct msg_ctl_reply *r)
{
	struct client *c = &d->client[client];
	int error;

	r->id = c->id;
	error = ipc_send(c->fd, r, sizeof(*r), -1);
	c->behind = error == -EAGAIN;
	if (error < 0 && error != -EAGAIN)
		decide_control_hang_up(d, client);
}

/* Is anything new for the monitors? From here on they know of it. */
static bool take_news(struct decider *d, const struct msg_ctl_reply *now)
{
	struct msg_ctl_reply quiet = *now;
	bool changed;

	still(&quiet);
	changed = memcmp(&quiet, &d->published, sizeof(quiet)) != 0;
	d->published = quiet;
	return changed;
}

static unsigned n_monitors(const struct decider *d, bool others_only)
{
	unsigned n = 0;

	for (unsigned i = 0; i < DECIDE_CLIENTS; i++)
		n += d->client[i].monitor && !(others_only && d->client[i].root);
	return n;
}

void decide_status_monitor(struct decider *d, int client, uint64_t now)
{
	struct client *c = &d->client[client];
	struct msg_ctl_reply r = { .reason = REASON_BUSY };

	if (!c->root && n_monitors(d, true) >= DECIDE_MONITORS_OTHERS) {
		decide_control_answer(d, client, &r);
		return;
	}
	decide_status_publish(d, now); /* to those before it */
	c->monitor = true;
	c->busy = true; /* it has no more to say */
	decide_status_build(d, now, &r);
	(void)take_news(d, &r);
	tell(d, client, &r);
}

void decide_status_publish(struct decider *d, uint64_t now)
{
	struct msg_ctl_reply r;
	bool changed;

	if (n_monitors(d, false) == 0)
		return;
	decide_status_build(d, now, &r);
	changed = take_news(d, &r);
	for (int i = 0; i < DECIDE_CLIENTS; i++)
		if (d->client[i].monitor && (changed || d->client[i].behind))
			tell(d, i, &r);
}

uint64_t decide_status_wake(const struct decider *d, uint64_t now)
{
	for (unsigned i = 0; i < DECIDE_CLIENTS; i++)
		if (d->client[i].behind)
			return now + BEHIND_MS;
	return UINT64_MAX;
}
