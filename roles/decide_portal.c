/* A captive portal: web pages for personal on the user's word, on a foreign network, for a few minutes.
 * The grant itself is asked of policy and audited as any other is. */
#include "roles/decide_portal.h"

#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "base/util.h"

static bool stands(const struct uplink *u, uint64_t now)
{
	return now < u->portal_until_boot_ms && u->state.zone == ZONE_FOREIGN &&
	       u->portal_generation == u->state.generation;
}

static void end(struct decider *d, struct uplink *u)
{
	u->portal_until_boot_ms = 0;
	d->changed = true;
	log_info("uplink '%s': the captive portal's time is over", u->ifname);
}

static const struct uplink *closing_uplink(const struct decider *d)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (d->uplink[i].state.closes)
			return &d->uplink[i];
	return NULL;
}

void decide_portal_check(struct decider *d, uint64_t now)
{
	bool sign =
		closing_uplink(d) != NULL; /* anywhere: it does not come back when that ages out */

	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		if (u->portal_until_boot_ms != 0 && (sign || !stands(u, now)))
			end(d, u);
	}
}

void decide_portal_end_all(struct decider *d)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (d->uplink[i].portal_until_boot_ms != 0)
			end(d, &d->uplink[i]);
}

uint64_t decide_portal_wake(const struct decider *d)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (d->uplink[i].portal_until_boot_ms != 0)
			at = MIN(at, d->uplink[i].portal_until_boot_ms);
	return at;
}

/* The one that is named; without a name the first foreign one, else the first. NULL: there is none. */
static struct uplink *find(struct decider *d, const char *name)
{
	struct uplink *found = NULL;

	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		if (name[0] != '\0' ? strncmp(u->ifname, name, MSG_IFNAME_BYTES) == 0
				    : !found || (u->state.zone == ZONE_FOREIGN &&
						 found->state.zone != ZONE_FOREIGN))
			found = u;
	}
	return found;
}

static enum reason refusal(const struct decider *d, const struct uplink *u)
{
	static const enum reason by_zone[N_ZONES] = {
		[ZONE_UNKNOWN] = REASON_NET_UNKNOWN,  [ZONE_SUSPECT] = REASON_NET_SUSPECT,
		[ZONE_PROVEN] = REASON_NET_CORPORATE, [ZONE_TUNNEL] = REASON_NET_CORPORATE,
		[ZONE_HOME] = REASON_REQUEST,	      [ZONE_FOREIGN] = REASON_OK,
	};
	const struct policy *policy = decide_docs_policy(d);

	if (!policy)
		return REASON_DOC_MISSING;
	if (!policy->portal_allowed)
		return REASON_NET_POLICY;
	if (!u)
		return REASON_NET_NO_UPLINK;
	if (u->state.zone == ZONE_FOREIGN && closing_uplink(d))
		return REASON_NET_OTHER_UPLINK;
	if (d->role.peer_fd[ROLE_AUDIT] < 0 || d->plan.audit_failed)
		return REASON_NET_NO_AUDIT;
	if (u->state.zone == ZONE_FOREIGN && policy->foreign == POLICY_FOREIGN_ALLOW)
		return REASON_REQUEST; /* all of it is open */
	return by_zone[u->state.zone];
}

void decide_portal_begin(struct decider *d, int client, const char *name, uint64_t now)
{
	struct msg_ctl_reply reply = { 0 };
	struct uplink *u = find(d, name);

	reply.reason = refusal(d, u);
	if (reply.reason == REASON_OK) {
		u->portal_until_boot_ms = now + d->docs.policy.portal_ms;
		u->portal_generation = u->state.generation;
		d->changed = true;
		log_info("uplink '%s': a captive portal's pages, for %u s", u->ifname,
			 (unsigned)(d->docs.policy.portal_ms / 1000));
		(void)snprintf(reply.detail, sizeof(reply.detail),
			       "'%s' is open to web pages for %u s", u->ifname,
			       (unsigned)(d->docs.policy.portal_ms / 1000));
		decide_enforce(d, now);
	} else if (u) {
		(void)snprintf(reply.detail, sizeof(reply.detail), "uplink '%s' is %s", u->ifname,
			       classify_zone_name(u->state.zone));
	}
	decide_control_answer(d, client, &reply);
}

void decide_portal_end(struct decider *d, int client, uint64_t now)
{
	struct msg_ctl_reply reply = { .reason = REASON_OK };

	decide_portal_end_all(d);
	decide_enforce(d, now);
	decide_control_answer(d, client, &reply);
}
