/* Facts about links become zones of uplinks. */
#include "roles/decide.h"

#include <errno.h>
#include <stdalign.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "netguard/nlrecv.h"
#include "roles/decide_portal.h"

enum {
	RESUME_MS = 2000,	  /* the two clocks drift by none: this much apart means sleep */
	DATAGRAMS_PER_ROUND = 64, /* then the other peers have their turn */
};

static int64_t clock_gap_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t); /* exists on every Linux */
	return (int64_t)loop_now_boot_ms() - (int64_t)t.tv_sec * 1000 - t.tv_nsec / 1000000;
}

static struct uplink *uplink_of(struct decider *d, uint32_t ifindex)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (ifindex != 0 && d->uplink[i].state.link.ifindex == ifindex)
			return &d->uplink[i];
	return NULL;
}

void decide_uplinks_step(struct decider *d, struct uplink *u, const struct classify_fact *fact,
			 uint64_t now)
{
	uint32_t generation = u->state.generation;
	uint64_t until = u->state.proof_until_boot_ms;

	if (classify_step(&u->state, &d->rules, fact, now))
		d->changed = true;
	decide_homes_grow(d, u);
	if (u->state.generation != generation || u->state.zone != ZONE_FOREIGN)
		u->agreed = false; /* it was said of this very network */
	if (u->state.generation != generation) {
		decide_probe_reset(u);
		if (fact->kind == CLASSIFY_LINK) /* another network; sleep alone is none */
			memset(&u->resolvers, 0, sizeof(u->resolvers));
	} else if (u->state.proof_until_boot_ms < until) {
		decide_probe_again(u, now); /* an address came or went, say: ask again at once */
	}
}

static void step_all(struct decider *d, enum classify_fact_kind kind, uint64_t now)
{
	struct classify_fact fact = { .kind = kind };

	for (unsigned i = 0; i < d->n_uplinks; i++)
		decide_uplinks_step(d, &d->uplink[i], &fact, now);
}

void decide_uplinks_rules(struct decider *d, uint64_t now)
{
	decide_rules_of(decide_docs_policy(d), &d->rules);
	decide_homes_policy(d, now);
	decide_homes_rules(d, &d->rules);
	decide_portal_end_all(d); /* what was asked under another policy is asked again */
	step_all(d, CLASSIFY_RULES, now);
	d->changed = true;
	d->plan.due = true; /* prove may go elsewhere now */
}

/* The next dump of the round, or a round from its start when news were lost. */
static void request_dump(struct decider *d, enum link_dump what)
{
	int r = link_dump_request(d->rtnl_fd, what);

	if (r < 0)
		die("ask rtnetlink for a dump: %s", strerror(-r));
	d->dump = what;
	d->dumping = true;
}

static void resync(struct decider *d, uint64_t now)
{
	step_all(d, CLASSIFY_RESUME, now); /* what was lost may have been anything */
	link_table_mark(&d->links);
	if (d->dumping)
		d->dump_again = true;
	else
		request_dump(d, LINK_DUMP_LINKS);
}

void decide_uplinks_init(struct decider *d, uint64_t now)
{
	const struct msg_config *config = &d->role.config;

	d->asleep_ms = clock_gap_ms();
	d->n_uplinks = config->n_uplinks;
	decide_rules_of(decide_docs_policy(d), &d->rules);
	decide_homes_rules(d, &d->rules);
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		memcpy(u->ifname, config->uplink[i].ifname, sizeof(u->ifname));
		classify_init(&u->state, now);
		u->state.tunnel = config->uplink[i].kind == UPLINK_TUNNEL;
		u->told = ZONE_UNKNOWN;
		u->proof_class = u->state.tunnel ? PROOF_CLASS_TUNNEL : PROOF_CLASS_LINK;
		decide_probe_reset(u);
		u->watched_boot_ms = now;
	}
	d->changed = true;
	request_dump(d, LINK_DUMP_LINKS);
}

/* Another link has the uplink's name. If the old one is still there under another, nobody has just
 * pulled a cable. First all is closed, then it is told. */
static void take_over(struct decider *d, struct uplink *u, uint32_t ifindex, uint64_t now)
{
	const struct link_entry *old = link_table_find(&d->links, u->last_ifindex);
	uint32_t before = u->last_ifindex;
	struct msg_audit record;
	char line[MSG_TEXT_BYTES];

	u->last_ifindex = ifindex;
	if (!old || before == ifindex)
		return;
	d->changed = true;
	decide_enforce(d, now);
	record = decide_record(d, AUDIT_TAMPER, AUDIT_EVENT, REASON_NET_UNKNOWN, u->ifname);
	(void)snprintf(record.from, sizeof(record.from), "link %u", before);
	(void)snprintf(record.to, sizeof(record.to), "link %u", ifindex);
	(void)snprintf(line, sizeof(line), "another link took this name; the old one is '%s' now",
		       old->ifname);
	decide_record_text(record.detail, sizeof(record.detail), line);
	log_warn(0, "uplink '%s': %s", u->ifname, record.detail);
	decide_record_alarm(d, &record);
	(void)decide_record_send(d, &record); /* said there */
}

/* Names and links may have met anew: tell every uplink which link it is. */
static void match_links(struct decider *d, uint64_t now)
{
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];
		const struct link_entry *e = link_table_find_name(&d->links, u->ifname);
		struct classify_fact fact = { .kind = CLASSIFY_LINK };
		uint32_t before = u->state.link.ifindex;

		memcpy(fact.link.ifname, u->ifname, sizeof(fact.link.ifname));
		if (e) {
			fact.link.ifindex = e->ifindex;
			fact.link.carrier = e->carrier;
			fact.link.n_losses = e->n_losses;
			memcpy(fact.link.mac, e->mac, sizeof(fact.link.mac));
		}
		decide_uplinks_step(d, u, &fact, now);
		if (before == fact.link.ifindex)
			continue;
		u->watched_boot_ms = now;
		if (d->settled_once && fact.link.ifindex != 0) {
			log_info("uplink '%s' is there, as link %u", u->ifname, fact.link.ifindex);
			d->restart_wanted = true;
		}
		if (fact.link.ifindex != 0)
			take_over(d, u, fact.link.ifindex, now);
	}
	d->changed = true; /* ports come and go, too */
}

static void take_address(struct decider *d, const struct link_fact *f, uint64_t now)
{
	bool gateway = f->event == LINK_GATEWAY_SET || f->event == LINK_GATEWAY_GONE;
	struct classify_fact fact = { .kind = gateway ? CLASSIFY_GATEWAY : CLASSIFY_ADDRESS };
	struct uplink *u = uplink_of(d, f->ifindex);

	fact.address.gained = f->event == LINK_ADDRESS_SET || f->event == LINK_GATEWAY_SET;
	fact.address.family = f->family;
	fact.address.length_bits = f->prefix_bits;
	memcpy(fact.address.address, f->address, sizeof(fact.address.address));
	if (u)
		decide_uplinks_step(d, u, &fact, now);
	else if (f->ifindex == 0) /* a default route by several links: whose it is, is not told */
		step_all(d, CLASSIFY_RESUME, now);
}

static void end_dump(struct decider *d, uint64_t now)
{
	struct link_fact gone;

	d->dumping = false;
	if (d->dump_again) {
		d->dump_again = false;
		request_dump(d, LINK_DUMP_LINKS);
		return;
	}
	if (d->dump == LINK_DUMP_LINKS) {
		while (link_table_sweep(&d->links, &gone) == 1)
			;
		match_links(d, now);
	}
	if (d->dump != LINK_DUMP_ROUTES)
		request_dump(d, d->dump + 1);
	else
		d->settled_once = true;
}

static void take_fact(struct decider *d, const struct link_fact *f, uint64_t now)
{
	if (f->event == LINK_DUMP_END) {
		end_dump(d, now);
	} else if (f->event == LINK_SET || f->event == LINK_GONE) {
		if (link_table_apply(&d->links, f) != LINK_CHANGE_NONE)
			match_links(d, now);
	} else {
		take_address(d, f, now);
	}
	/* one at a time: a port that went and came back within a datagram was gone */
	if (d->changed)
		decide_enforce(d, now);
}

void decide_uplinks_netlink(struct decider *d)
{
	alignas(8) uint8_t buf[LINK_BUF_BYTES];
	uint64_t now = loop_now_boot_ms();
	struct link_reader reader;
	struct link_fact fact;
	int r;

	for (unsigned i = 0; i < DATAGRAMS_PER_ROUND; i++) {
		int n = nlrecv(d->rtnl_fd, buf, sizeof(buf));

		if (n == -EAGAIN || n == -EINTR)
			return;
		if (n == -ENOBUFS || n == -EPROTO) {
			log_warn(n, "rtnetlink: news were lost, asking anew");
			resync(d, now);
			continue;
		}
		if (n < 0)
			die("read rtnetlink: %s", strerror(-n));
		reader = link_read(buf, (size_t)n);
		while ((r = link_next(&reader, &fact)) == 1)
			take_fact(d, &fact, now);
		if (r < 0)
			die("rtnetlink: %s",
			    strerror(-r)); /* the supervisor starts us anew, closed */
	}
}

void decide_uplinks_claim(struct decider *d, uint64_t now)
{
	struct msg_claim claim;
	struct classify_fact fact = { .kind = CLASSIFY_CLAIM, .claim = &claim };
	struct uplink *u;
	int r = ipc_recv(d->role.peer_fd[ROLE_SNIFF], &claim, sizeof(claim), NULL);

	if (r == -EAGAIN)
		return;
	if (r == -EPIPE) { /* its successor comes by way of the supervisor */
		(void)close(take_fd(&d->role.peer_fd[ROLE_SNIFF]));
		decide_uplinks_sniff_gone(d, now);
		return;
	}
	if (r < 0 || claim.kind == 0 || claim.kind >= N_SIGN_KINDS)
		die("sniff broke its contract");
	now = loop_now_boot_ms();	  /* after the claim: one from the future is a lie */
	if (claim.kind == SIGN_BLOCKED) { /* about ourselves, not about a network */
		decide_samples_claim(d, &claim.blocked, now);
		return;
	}
	u = uplink_of(d, claim.ifindex);
	if (!u)
		return; /* of a link that is gone, or not yet told */
	if (claim.kind == SIGN_ALIVE)
		u->watched_boot_ms = now;
	decide_uplinks_step(d, u, &fact, now);
	decide_resolve_claim(u, &claim);
	if (claim.kind == SIGN_BEACON)
		decide_probe_heard(d, u, &claim.announce, now);
}

void decide_uplinks_sniff_gone(struct decider *d, uint64_t now)
{
	step_all(d, CLASSIFY_SNIFF_GONE, now);
}

/* Nobody listens on a tunnel: it is never attested to be foreign. */
static bool is_watched(const struct uplink *u)
{
	return u->state.link.carrier && !u->state.tunnel;
}

/* An address whose lease nobody heard: from before our start, or before the machine slept. dhcp
 * would say nothing until half of the lease is over. */
static bool wants_lease(const struct decider *d, const struct uplink *u)
{
	struct classify_why why;

	if (u->state.tunnel)
		return false;
	for (uint32_t i = 0; i < u->state.addresses.n; i++) {
		if (u->state.addresses.item[i].family != AF_INET)
			continue;
		classify_explain(&u->state, &d->rules, &why);
		return why.wait == CLASSIFY_WAIT_DHCP;
	}
	return false;
}

static void renew(const struct decider *d, struct uplink *u, uint64_t now)
{
	struct msg_sup msg = { .verb = SUP_DHCP_RESTART };

	if (now < u->renew_boot_ms || !wants_lease(d, u))
		return;
	u->renew_boot_ms = now + DECIDE_RENEW_MS;
	memcpy(msg.name, u->ifname, sizeof(u->ifname));
	log_info("uplink '%s' has an address whose lease was not heard: asking anew", u->ifname);
	role_send_sup(&msg, -1);
}

void decide_uplinks_resumed(struct decider *d, uint64_t now)
{
	step_all(d, CLASSIFY_RESUME, now);
}

void decide_uplinks_tick(struct decider *d, uint64_t now)
{
	int64_t gap = clock_gap_ms();

	if (llabs(gap - d->asleep_ms) > RESUME_MS) {
		log_info("the machine slept: every uplink is unknown");
		d->asleep_ms = gap;
		decide_power_resumed(d); /* also when nobody says that it is over */
		decide_uplinks_resumed(d, now);
	}
	step_all(d, CLASSIFY_TIME, now);
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		if (is_watched(u) && now >= u->watched_boot_ms + DECIDE_WATCH_MS) {
			log_warn(0, "uplink '%s' has a carrier, but nobody listens there",
				 u->ifname);
			u->watched_boot_ms = now;
			d->restart_wanted = true;
		}
		renew(d, u, now);
		decide_probe_tick(d, u, now);
	}
}

uint64_t decide_uplinks_wake(const struct decider *d)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < d->n_uplinks; i++) {
		const struct uplink *u = &d->uplink[i];

		at = MIN(at, classify_wake(&u->state, &d->rules));
		at = MIN(at, decide_probe_wake(d, u));
		if (wants_lease(d, u))
			at = MIN(at, u->renew_boot_ms);
		if (is_watched(u))
			at = MIN(at, u->watched_boot_ms + DECIDE_WATCH_MS);
	}
	return at;
}
