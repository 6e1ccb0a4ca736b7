/* What people say of a network: "this is my home", "open it". The policy says who may, and the
 * intent is on disk before it takes effect. */
#include "roles/decide.h"

#include <stdio.h>
#include <string.h>

#include "base/util.h"

enum { REQUEST_MS = 5000 }; /* audit answers within one fsync */

static enum reason zone_reason(enum zone zone)
{
	switch (zone) {
	case ZONE_FOREIGN:
		return REASON_OK;
	case ZONE_HOME:
		return REASON_HOME_EXISTS;
	case ZONE_SUSPECT:
		return REASON_NET_SUSPECT;
	case ZONE_PROVEN:
		return REASON_NET_CORPORATE;
	case ZONE_TUNNEL:
		return REASON_NET_CORPORATE;
	case ZONE_UNKNOWN:
	case N_ZONES:
		break;
	}
	return REASON_NET_UNKNOWN;
}

/* The one that was named; else the only one that can be meant. NULL: ask for a name. */
static struct uplink *choose(struct decider *d, const char *ifname)
{
	struct uplink *found = NULL;

	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		if (ifname[0] != '\0' ? strcmp(u->ifname, ifname) == 0 : d->n_uplinks == 1)
			return u;
		if (ifname[0] != '\0' || u->state.zone != ZONE_FOREIGN)
			continue;
		if (found)
			return NULL;
		found = u;
	}
	return found;
}

/* Both requests: an attested absence on this very link, no sign of the company anywhere. */
static enum reason check_network(const struct decider *d, const struct uplink *u,
				 const char **ret_detail)
{
	enum reason reason = zone_reason(u->state.zone);

	*ret_detail = "";
	if (reason == REASON_OK && u->state.sign_heard) {
		reason = REASON_HOME_SIGN;
		*ret_detail = "plug the cable in again; if it is heard again, this is no home";
	}
	for (unsigned i = 0; reason == REASON_OK && i < d->n_uplinks; i++)
		if (d->uplink[i].state.closes)
			reason = REASON_NET_OTHER_UPLINK;
	if (reason == REASON_NET_UNKNOWN)
		*ret_detail = "wait until 'bulkhead status' says foreign";
	return reason;
}

static enum reason check_enrol(const struct decider *d, const struct uplink *u,
			       const struct home_request *r, const char **ret_detail)
{
	const struct policy *policy = decide_docs_policy(d);
	struct classify_home home;
	enum reason reason;

	*ret_detail = "";
	if (!policy)
		return REASON_DOC_MISSING;
	if (!policy->home_allowed || policy->home_enrolment == POLICY_WHO_NOBODY) {
		*ret_detail = policy->home_allowed ? "network.home_enrolment is deny"
						   : "network.home is deny";
		return REASON_NET_POLICY;
	}
	if (!decide_homes_may(policy->home_enrolment, r->uid))
		return REASON_NOT_ROOT;
	reason = check_network(d, u, ret_detail);
	if (reason != REASON_OK)
		return reason;
	if (!classify_home_of(&u->state.seen, &home)) {
		*ret_detail = u->state.seen.n_routers > 1
				      ? "several IPv6 routers advertise themselves here; a home is "
					"known by one"
				      : "its router has not been heard; open a page and try again";
		return REASON_NET_UNKNOWN;
	}
	if (homes_find(&d->homes, r->name) < d->homes.n) {
		*ret_detail = "another network has this name; choose one with --name";
		return REASON_HOME_EXISTS;
	}
	if (d->homes.n == CLASSIFY_HOMES) {
		*ret_detail = "end one with 'bulkhead net forget-home'";
		return REASON_HOME_FULL;
	}
	return REASON_OK;
}

static enum reason check_allow(const struct decider *d, const struct uplink *u,
			       const struct home_request *r, const char **ret_detail)
{
	const struct policy *policy = decide_docs_policy(d);

	*ret_detail = "";
	if (!policy)
		return REASON_DOC_MISSING;
	if (policy->foreign != POLICY_FOREIGN_ASK) {
		*ret_detail = policy->foreign == POLICY_FOREIGN_ALLOW
				      ? "foreign networks are open without a word"
				      : "only homes are open; see 'bulkhead net enroll-home'";
		return REASON_NET_POLICY;
	}
	if (!decide_homes_may(policy->foreign_answer, r->uid))
		return REASON_NOT_ROOT;
	return check_network(d, u, ret_detail);
}

static enum reason check(const struct decider *d, const struct home_request *r,
			 const char **ret_detail)
{
	const struct uplink *u = &d->uplink[r->uplink];

	return r->verb == CTL_HOME_ENROL ? check_enrol(d, u, r, ret_detail)
					 : check_allow(d, u, r, ret_detail);
}

static uint32_t record_request(struct decider *d, const struct home_request *r,
			       enum audit_phase phase, enum reason reason, const char *why)
{
	bool enrol = r->verb == CTL_HOME_ENROL;
	const struct uplink *u = &d->uplink[r->uplink];
	char detail[MSG_TEXT_BYTES];
	struct msg_audit record;

	(void)snprintf(detail, sizeof(detail), "uplink '%s', by uid %u%s%s", u->ifname, r->uid,
		       why[0] ? ": " : "", why);
	record = decide_record(d, enrol ? AUDIT_HOME : AUDIT_ALLOW, phase, reason,
			       enrol ? r->name : u->ifname);
	decide_record_text(record.detail, sizeof(record.detail), detail);
	decide_record_text(record.from, sizeof(record.from), "foreign");
	decide_record_text(record.to, sizeof(record.to), enrol ? "home" : "allowed");
	return decide_record_send(d, &record);
}

/* The first of home-1, home-2, ... that is free. */
static void name_home(const struct decider *d, char ret[MSG_NAME_BYTES])
{
	for (unsigned i = 1; i <= CLASSIFY_HOMES + 1; i++) {
		(void)snprintf(ret, MSG_NAME_BYTES, "home-%u", i);
		if (homes_find(&d->homes, ret) == d->homes.n)
			return;
	}
}

static void begin(struct decider *d, int client, const struct msg_ctl *m, uint64_t now)
{
	struct home_request r = { .verb = m->verb,
				  .client = client,
				  .uid = d->client[client].uid,
				  .until_boot_ms = now + REQUEST_MS };
	struct uplink *u = choose(d, m->uplink);
	const char *detail = "";
	enum reason reason;

	if (!u) {
		decide_control_answer_with(
			d, client, m->uplink[0] ? REASON_NET_NO_UPLINK : REASON_REQUEST,
			m->uplink[0] ? "" : "name the uplink: not exactly one is foreign");
		return;
	}
	r.uplink = (unsigned)(u - d->uplink);
	r.generation = u->state.generation;
	memcpy(r.name, m->name, sizeof(r.name));
	if (r.name[0] == '\0')
		name_home(d, r.name);
	reason = homes_name_ok(r.name) ? check(d, &r, &detail) : REASON_REQUEST;
	if (reason == REASON_OK && m->verb == CTL_NET_ALLOW && u->agreed) {
		decide_control_answer_with(d, client, REASON_OK, u->ifname);
		return;
	}
	if (reason == REASON_OK && d->request.verb != 0) {
		reason = REASON_INTERNAL;
		detail = "another request is being written down; try again";
	}
	if (reason == REASON_OK) {
		r.record_id = record_request(d, &r, AUDIT_INTENT, REASON_OK, "");
		reason = r.record_id != 0 ? REASON_OK : REASON_NET_NO_AUDIT;
	} else if (reason != REASON_REQUEST && r.uid == 0) { /* others could fill the log */
		(void)record_request(d, &r, AUDIT_EVENT, reason, detail); /* said there */
	}
	if (reason != REASON_OK) {
		decide_control_answer_with(d, client, reason, detail);
		return;
	}
	d->client[client].busy = true;
	d->request = r;
}

static void apply(struct decider *d, const struct home_request *r, uint64_t now)
{
	if (r->verb == CTL_HOME_ENROL) {
		decide_homes_add(d, &d->uplink[r->uplink], r->name, now);
		return;
	}
	d->uplink[r->uplink].agreed = true;
	d->changed = true;
	decide_enforce(d, now);
}

bool decide_consent_audited(struct decider *d, uint32_t record_id, int error, uint64_t now)
{
	struct home_request r = d->request;
	const char *detail = "";
	enum reason reason;

	if (r.verb == 0 || r.record_id != record_id)
		return false;
	d->request.verb = 0;
	/* the world went on meanwhile: ask all of it again */
	reason = error ? REASON_NET_NO_AUDIT : check(d, &r, &detail);
	if (reason == REASON_OK && d->uplink[r.uplink].state.generation != r.generation)
		reason = REASON_NET_UNKNOWN;
	if (reason == REASON_OK)
		apply(d, &r, now);
	(void)record_request(d, &r, AUDIT_OUTCOME, reason, detail); /* said there */
	decide_control_answer_with(d, r.client, reason,
				   reason != REASON_OK	      ? detail
				   : r.verb == CTL_HOME_ENROL ? r.name
							      : d->uplink[r.uplink].ifname);
	return true;
}

void decide_consent_serve(struct decider *d, int client, const struct msg_ctl *m, uint64_t now)
{
	if (m->verb == CTL_HOME_LIST)
		decide_homes_list(d, client);
	else if (m->verb == CTL_HOME_FORGET)
		decide_homes_forget(d, client, m, now);
	else
		begin(d, client, m, now);
}

void decide_consent_hung_up(struct decider *d, int client)
{
	if (d->request.client == client)
		d->request.client = -1; /* not the next one in this slot */
}

void decide_consent_tick(struct decider *d, uint64_t now)
{
	if (d->request.verb != 0 && now >= d->request.until_boot_ms) {
		d->request.verb = 0;
		decide_control_answer_with(d, d->request.client, REASON_NET_NO_AUDIT, "");
	}
}

uint64_t decide_consent_wake(const struct decider *d)
{
	return d->request.verb != 0 ? d->request.until_boot_ms : UINT64_MAX;
}
