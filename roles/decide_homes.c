/* Which networks are homes. To forget one only tightens, and waits for nothing; how one becomes a
 * home is in decide_consent.c. */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "netguard/text.h"

enum {
	CLOCK_SLACK_S = 86400, /* an enrolment of tomorrow was made by another clock */
};

static bool counts(const struct policy *policy, uint64_t enrolled_wall_s, uint64_t now_wall_s)
{
	return enrolled_wall_s <= now_wall_s + CLOCK_SLACK_S &&
	       now_wall_s < enrolled_wall_s + policy->home_max_age_s;
}

void decide_homes_load(struct decider *d)
{
	OWNS_FD int fd = role_resource_take(&d->role, SUP_RES_HOMES);
	char text[HOMES_TEXT_BYTES + 1];
	size_t n = 0;
	int r;

	if (fd < 0)
		return; /* nobody was enrolled yet */
	r = file_load(fd, text, sizeof(text), &n);
	if (r < 0 || homes_parse(text, n, &d->homes) < 0)
		log_err(r, "the file of homes is damaged; there are no homes");
}

void decide_homes_rules(const struct decider *d, struct classify_rules *ret)
{
	const struct policy *policy = decide_docs_policy(d);
	uint64_t now_wall_s = loop_now_wall_s();

	ret->n_homes = 0;
	for (uint32_t i = 0; policy && policy->home_allowed && i < d->homes.n; i++)
		if (counts(policy, d->homes.enrolled_wall_s[i], now_wall_s))
			ret->home[ret->n_homes++] = d->homes.home[i];
}

static void store(const struct decider *d)
{
	char text[HOMES_TEXT_BYTES];
	int r = decide_docs_store(SUP_RES_HOMES, text, homes_build(&d->homes, text));

	if (r < 0)
		log_err(r, "hand over the homes to be stored; they hold until a restart");
}

/* The list is another one: look at every uplink with it. */
static void changed(struct decider *d, uint64_t now)
{
	struct classify_fact fact = { .kind = CLASSIFY_TIME };

	decide_homes_rules(d, &d->rules);
	for (unsigned i = 0; i < d->n_uplinks; i++)
		decide_uplinks_step(d, &d->uplink[i], &fact, now);
	d->changed = true;
	decide_enforce(d, now);
	store(d);
}

static void record_end(struct decider *d, const char *name, const char *why)
{
	struct msg_audit record = decide_record(d, AUDIT_HOME, AUDIT_EVENT, REASON_OK, name);

	decide_record_text(record.detail, sizeof(record.detail), why);
	decide_record_text(record.from, sizeof(record.from), "enrolled");
	decide_record_text(record.to, sizeof(record.to), "forgotten");
	log_info("home '%s' ended: %s", name, why);
	(void)decide_record_send(d, &record); /* said there */
}

void decide_homes_policy(struct decider *d, uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);
	struct homes ended = d->homes;

	if (!policy || policy->home_allowed || d->homes.n == 0)
		return;
	memset(&d->homes, 0, sizeof(d->homes));
	changed(d, now);
	for (uint32_t i = 0; i < ended.n; i++)
		record_end(d, ended.home[i].name, "the policy has no homes");
}

/* What is too old is taken out; what is dated in the future waits for the clock, uncounted. */
void decide_homes_tick(struct decider *d, uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);
	uint64_t now_wall_s = loop_now_wall_s();

	for (uint32_t i = 0; policy && i < d->homes.n; i++) {
		char name[MSG_NAME_BYTES];

		if (now_wall_s < d->homes.enrolled_wall_s[i] + policy->home_max_age_s)
			continue;
		memcpy(name, d->homes.home[i].name, sizeof(name));
		homes_remove(&d->homes, i--);
		changed(d, now);
		record_end(d, name, "older than the policy's home_max_age");
	}
}

bool decide_homes_may(enum policy_who who, unsigned uid)
{
	return who == POLICY_WHO_USER ? uid != UINT32_MAX : who == POLICY_WHO_ROOT && uid == 0;
}

void decide_homes_add(struct decider *d, struct uplink *u, const char *name, uint64_t now)
{
	struct classify_fact fact = { .kind = CLASSIFY_ENROLLED };
	struct homes *h = &d->homes;

	if (h->n == CLASSIFY_HOMES || !classify_home_of(&u->state.seen, &h->home[h->n]))
		return; /* never: the caller has checked */
	memcpy(h->home[h->n].name, name, MSG_NAME_BYTES);
	h->enrolled_wall_s[h->n++] = loop_now_wall_s();
	memcpy(fact.site, name, sizeof(fact.site));
	decide_uplinks_step(d, u, &fact, now);
	changed(d, now);
}

void decide_homes_grow(struct decider *d, const struct uplink *u)
{
	uint32_t i = homes_find(&d->homes, u->state.enrolled);
	struct classify_home *home = &d->homes.home[i];
	struct classify_home now;

	if (i == d->homes.n || !classify_home_grew(home, &u->state.seen) ||
	    !classify_home_of(&u->state.seen, &now))
		return;
	log_info("home '%s': its %s greeted late", home->name,
		 home->has_ra ? "DHCP server" : "IPv6 router");
	memcpy(now.name, home->name, sizeof(now.name));
	*home = now;
	decide_homes_rules(d, &d->rules);
	store(d);
}

void decide_homes_forget(struct decider *d, int client, const struct msg_ctl *m, uint64_t now)
{
	uint32_t i = homes_find(&d->homes, m->name);

	if (i == d->homes.n) {
		decide_control_answer_with(d, client, REASON_HOME_UNKNOWN,
					   "'bulkhead net homes' lists them");
		return;
	}
	if (d->client[client].uid != 0 &&
	    (!decide_docs_policy(d) ||
	     !decide_homes_may(decide_docs_policy(d)->home_enrolment, d->client[client].uid))) {
		decide_control_answer_with(d, client, REASON_NOT_ROOT, "");
		return;
	}
	homes_remove(&d->homes, i);
	changed(d, now);
	record_end(d, m->name, "somebody asked for it");
	decide_control_answer_with(d, client, REASON_OK, "");
}

static void known_by(const struct classify_home *h, char ret[MSG_NAME_BYTES])
{
	char mac[18], address[16] = "IPv6 router";
	uint8_t wire[4];

	memcpy(wire, &h->router, sizeof(wire));
	if (h->has_dhcp)
		text_ipv4(address, sizeof(address), wire);
	text_mac(mac, sizeof(mac), h->has_dhcp ? h->gateway_mac : h->ra_mac);
	(void)snprintf(ret, MSG_NAME_BYTES, "%s at %s", address, mac);
}

void decide_homes_list(struct decider *d, int client)
{
	const struct policy *policy = decide_docs_policy(d);
	struct msg_ctl_reply r = { .n_homes = d->homes.n };
	uint64_t now_wall_s = loop_now_wall_s();

	for (uint32_t i = 0; i < d->homes.n; i++) {
		uint64_t enrolled_wall_s = d->homes.enrolled_wall_s[i];

		memcpy(r.home[i].name, d->homes.home[i].name, sizeof(r.home[i].name));
		known_by(&d->homes.home[i], r.home[i].known_by);
		r.home[i].enrolled_wall_s = enrolled_wall_s;
		if (policy && policy->home_allowed && counts(policy, enrolled_wall_s, now_wall_s))
			r.home[i].ends_wall_s = enrolled_wall_s + policy->home_max_age_s;
	}
	decide_control_answer(d, client, &r);
}
