/* Announcements tighten; a proof, asked for after one, loosens for as long as it lives. */
#include "roles/decide.h"

#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "netguard/beacon_verify.h"

enum {
	VERIFY_PER_S = 20,    /* two signatures each; a beacon announces once */
	PROBE_MS = 10000,     /* prove tries three times, two seconds each */
	AGAIN_MIN_MS = 10000, /* design 4.3: re-proof every 10 to 30 s, with jitter */
	AGAIN_MAX_MS = 30000,
	FAILED_MIN_MS = 1000,
	FAILED_MAX_MS = 3000,
	ANNOUNCED_MS = 90000, /* an address that was silent for so long is not asked */
};

static uint64_t jitter_ms(uint64_t min_ms, uint64_t max_ms)
{
	uint32_t random = 0;

	if (getrandom(&random, sizeof(random), 0) != (ssize_t)sizeof(random))
		die("getrandom: %m");
	return min_ms + random % (max_ms - min_ms + 1);
}

void decide_probe_reset(struct uplink *u)
{
	memset(u->announcer, 0, sizeof(u->announcer));
	memset(u->told_refusal, 0, sizeof(u->told_refusal));
	u->proved = DECIDE_ANNOUNCERS;
	u->announced = false;
	u->n_tls_asked = 0;
	u->probe_id = 0;
	u->next_probe_boot_ms = 0;
}

/* An answer that is still under way speaks of the address before. */
void decide_probe_again(struct uplink *u, uint64_t now)
{
	u->probe_id = 0;
	u->n_tls_asked = 0;
	u->next_probe_boot_ms = now;
}

void decide_probe_refuse(struct decider *d, struct uplink *u, enum reason reason, const char *what)
{
	struct msg_audit record;

	if (u->told_refusal[reason])
		return;
	u->told_refusal[reason] = true;
	log_warn(0, "uplink '%s': %s is refused: %s (%s)", u->ifname, what, reason_text(reason),
		 reason_code(reason));
	record = decide_record(d, AUDIT_PROOF, AUDIT_EVENT, reason, u->ifname);
	decide_record_text(record.detail, sizeof(record.detail), what);
	(void)decide_record_send(d, &record); /* said there */
}

void decide_probe_retry(struct uplink *u, uint64_t now)
{
	u->next_probe_boot_ms = now + jitter_ms(FAILED_MIN_MS, FAILED_MAX_MS);
}

/* At most so many verifications a second: beyond that nothing is heard, and nothing attested. */
static bool may_verify(struct uplink *u, uint64_t now)
{
	if (now / 1000 != u->verify_boot_ms / 1000)
		u->n_verified = 0;
	u->verify_boot_ms = now;
	return ++u->n_verified <= VERIFY_PER_S;
}

static bool site_counts(const struct policy *policy, const char *site)
{
	if (!policy)
		return false;
	for (uint32_t i = 0; i < policy->n_sites; i++)
		if (strcmp(policy->site[i], site) == 0)
			return true;
	return policy->n_sites == 0;
}

/* The place of this announcer, or the one that was silent longest; never that of the one that proved:
 * whoever repeats announcements cannot push it out. */
static struct decide_announcer *place_for(struct uplink *u, const struct msg_announce *m)
{
	struct decide_announcer *oldest = NULL;

	for (unsigned i = 0; i < DECIDE_ANNOUNCERS; i++) {
		struct decide_announcer *a = &u->announcer[i];

		if (a->at_boot_ms != 0 && a->family == m->family &&
		    memcmp(a->address, m->address, sizeof(a->address)) == 0)
			return a;
		if (i != u->proved && (!oldest || a->at_boot_ms < oldest->at_boot_ms))
			oldest = a;
	}
	return oldest;
}

static void remember(struct uplink *u, const struct msg_announce *m,
		     const struct beacon_announcement *a, uint64_t now)
{
	struct decide_announcer *who = place_for(u, m);

	static_assert(sizeof(a->certificate_wire) <= sizeof(who->certificate), "certificate fits");
	*who = (struct decide_announcer){ .at_boot_ms = now,
					  .family = m->family,
					  .port = BEACON_PORT,
					  .certificate_bytes = sizeof(a->certificate_wire) };
	memcpy(who->address, m->address, sizeof(who->address));
	memcpy(who->certificate, a->certificate_wire, sizeof(a->certificate_wire));
}

/* Valid, and for whom? */
static enum reason whose(const struct decider *d, const struct uplink *u,
			 const struct beacon_announcement *a)
{
	if (a->certificate.proof_class != u->proof_class)
		return REASON_BEACON_CLASS;
	return site_counts(decide_docs_policy(d), a->certificate.site) ? REASON_OK
								       : REASON_BEACON_CERTIFICATE;
}

void decide_probe_heard(struct decider *d, struct uplink *u, const struct msg_announce *m,
			uint64_t now)
{
	struct classify_fact fact = { .kind = CLASSIFY_ANNOUNCEMENT };
	struct beacon_announcement a;
	enum reason verdict;

	if (m->len_bytes > sizeof(m->data) || (m->family != AF_INET && m->family != AF_INET6))
		die("sniff broke its contract with an announcement");
	if (!d->docs.has_trust)
		return;
	if (!may_verify(u, now)) {
		decide_uplinks_step(d, u, &(struct classify_fact){ .kind = CLASSIFY_SNIFF_GONE },
				    now);
		return;
	}
	verdict = beacon_verify_announcement(m->data, m->len_bytes, d->docs.trust.beacon_root,
					     loop_now_wall_s(), d->min_epoch, &a);
	if (!beacon_verify_is_sign(verdict)) { /* anyone can send that */
		decide_probe_refuse(d, u, verdict, "an announcement");
		return;
	}
	if (verdict == REASON_OK) {
		memcpy(fact.site, a.certificate.site, sizeof(a.certificate.site));
		/* the root says so, whoever repeats it: an epoch only rises, and rising closes */
		if (a.certificate.epoch > d->min_epoch)
			d->min_epoch = a.certificate.epoch;
	} else
		memcpy(fact.site, "an old certificate", sizeof("an old certificate"));
	decide_uplinks_step(d, u, &fact, now);
	if (verdict == REASON_OK)
		verdict = whose(d, u, &a);
	if (verdict != REASON_OK) {
		decide_probe_refuse(d, u, verdict, "an announcement");
		return;
	}
	u->announced = true;
	remember(u, m, &a, now);
}

static const struct decide_announcer *whom(struct uplink *u, uint64_t now)
{
	for (unsigned i = 0; i < DECIDE_ANNOUNCERS; i++) {
		unsigned at = (u->preferred + i) % DECIDE_ANNOUNCERS;
		const struct decide_announcer *a = &u->announcer[at];

		if (a->at_boot_ms == 0 || now - a->at_boot_ms >= ANNOUNCED_MS)
			continue;
		u->asked = at;
		return a;
	}
	return NULL;
}

void decide_probe_order(struct decider *d, struct uplink *u, struct msg_probe_order *order,
			uint64_t now)
{
	int fd = d->role.peer_fd[ROLE_PROVE];

	if (++d->probe_seq == 0)
		d->probe_seq = 1;
	order->id = d->probe_seq;
	order->ifindex = u->state.link.ifindex;
	order->proof_class = u->proof_class;
	memcpy(order->ifname, u->ifname, sizeof(order->ifname));
	u->next_probe_boot_ms = now + FAILED_MAX_MS;
	if (fd < 0 || ipc_send(fd, order, sizeof(*order), -1) < 0)
		return; /* prove comes back, and is asked then */
	u->probe_id = order->id;
	u->probe_kind = order->kind;
	u->probe_generation = u->state.generation;
	u->probe_until_boot_ms = now + PROBE_MS;
}

static void order_beacon(struct decider *d, struct uplink *u, const struct decide_announcer *a,
			 uint64_t now)
{
	struct msg_probe_order order = { .kind = PROOF_KIND_BEACON,
					 .family = a->family,
					 .port = a->port,
					 .now_wall_s = loop_now_wall_s(),
					 .min_epoch = d->min_epoch,
					 .certificate_bytes = a->certificate_bytes };

	memcpy(order.address, a->address, sizeof(order.address));
	memcpy(order.root_key, d->docs.trust.beacon_root, sizeof(order.root_key));
	memcpy(order.source_mac, u->state.link.mac, sizeof(order.source_mac));
	memcpy(order.certificate, a->certificate, sizeof(order.certificate));
	decide_probe_order(d, u, &order, now);
}

/* No announcement is heard in a tunnel: the policy says whom to ask there, and the certificate is
 * asked for first. */
static void order_tunnel(struct decider *d, struct uplink *u, uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);
	struct decide_announcer a = { .port = BEACON_PORT };
	const struct msg_endpoint *to;

	if (!policy || policy->n_tunnel_beacons == 0 || !d->docs.has_trust)
		return;
	to = &policy->tunnel_beacon[u->preferred % policy->n_tunnel_beacons];
	u->asked = u->preferred;
	a.family = to->family;
	memcpy(a.address, to->address, sizeof(a.address));
	order_beacon(d, u, &a, now);
}

void decide_probe_tick(struct decider *d, struct uplink *u, uint64_t now)
{
	const struct decide_announcer *a;

	if (u->probe_id != 0 && now >= u->probe_until_boot_ms)
		u->probe_id = 0;
	if (u->probe_id != 0 || now < u->next_probe_boot_ms || !u->state.link.carrier)
		return;
	a = u->proof_class == PROOF_CLASS_LINK ? whom(u, now) : NULL;
	if (a)
		order_beacon(d, u, a, now);
	else if (u->proof_class == PROOF_CLASS_TUNNEL)
		order_tunnel(d, u, now);
	else if (decide_tls_wanted(d, u))
		decide_tls_order(d, u, now);
}

uint64_t decide_probe_wake(const struct decider *d, const struct uplink *u)
{
	bool somebody = u->announced || decide_tls_wanted(d, u) ||
			(u->proof_class == PROOF_CLASS_TUNNEL && u->state.link.carrier);
	uint64_t soonest;

	if (u->probe_id != 0)
		return u->probe_until_boot_ms;
	if (!somebody)
		return UINT64_MAX;
	/* an announcer that fell silent is looked at again, but not in a tight loop */
	soonest = u->state.now_boot_ms + FAILED_MIN_MS;
	return u->next_probe_boot_ms > soonest ? u->next_probe_boot_ms : soonest;
}

void decide_probe_take(struct decider *d, struct uplink *u, uint32_t kind,
		       const struct msg_proof *p, uint64_t now)
{
	struct classify_fact fact = { .kind = CLASSIFY_PROOF };
	uint64_t again_ms = jitter_ms(AGAIN_MIN_MS, AGAIN_MAX_MS);

	fact.proof.kind = kind == PROOF_KIND_TLS ? SIGN_TLS : SIGN_BEACON;
	fact.proof.tunnel = p->proof_class == PROOF_CLASS_TUNNEL; /* that of the order */
	fact.proof.generation = u->probe_generation;
	fact.proof.lifetime_s = p->lifetime_s;
	memcpy(fact.proof.site, p->site, sizeof(fact.proof.site));
	/* before the proof's own end, whatever it is: half of it leaves time for more tries */
	u->next_probe_boot_ms = now + MIN(again_ms, (uint64_t)p->lifetime_s * 1000 / 2);
	decide_uplinks_step(d, u, &fact, now);
}

static void take_answer(struct decider *d, struct uplink *u, const struct msg_proof *p,
			uint64_t now)
{
	enum reason reason = (enum reason)p->reason;

	if (reason == REASON_OK && !site_counts(decide_docs_policy(d), p->site))
		reason = REASON_BEACON_CERTIFICATE;
	if (reason == REASON_OK) {
		u->proved = u->preferred = u->asked;
		decide_probe_take(d, u, PROOF_KIND_BEACON, p, now);
		return;
	}
	decide_probe_refuse(d, u, reason, "the beacon's proof");
	u->preferred = (u->asked + 1) % DECIDE_ANNOUNCERS;
	decide_probe_retry(u, now);
}

void decide_probe_proof(struct decider *d, uint64_t now)
{
	struct msg_proof p;
	int r = ipc_recv(d->role.peer_fd[ROLE_PROVE], &p, sizeof(p), NULL);

	if (r == -EAGAIN)
		return;
	if (r == -EPIPE) { /* its successor comes by way of the supervisor */
		(void)close(take_fd(&d->role.peer_fd[ROLE_PROVE]));
		return;
	}
	if (r < 0 || !reason_known(p.reason) || !msg_text_ok(p.site, sizeof(p.site)))
		die("prove broke its contract");
	for (unsigned i = 0; i < d->n_uplinks; i++) {
		struct uplink *u = &d->uplink[i];

		if (p.id == 0 || u->probe_id != p.id || u->state.link.ifindex != p.ifindex)
			continue;
		/* what was asked is what was answered: no proof of another kind or class */
		if (p.kind != u->probe_kind || p.proof_class != u->proof_class)
			die("prove answered something else than it was asked");
		u->probe_id = 0;
		if (p.kind == PROOF_KIND_TLS)
			decide_tls_answer(d, u, &p, now);
		else
			take_answer(d, u, &p, now);
	}
}
