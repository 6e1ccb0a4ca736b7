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
	u->probe_id = 0;
	u->next_probe_boot_ms = 0;
	u->refusal = REASON_OK;
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

static void remember(struct uplink *u, const struct msg_announce *m,
		     const struct beacon_announcement *a, uint64_t now)
{
	struct decide_announcer *who = &u->announcer[m->family == AF_INET6];

	static_assert(sizeof(a->certificate_wire) <= sizeof(who->certificate), "certificate fits");
	*who = (struct decide_announcer){ .at_boot_ms = now,
					  .family = m->family,
					  .port = BEACON_PORT,
					  .certificate_bytes = sizeof(a->certificate_wire) };
	memcpy(who->address, m->address, sizeof(who->address));
	memcpy(who->certificate, a->certificate_wire, sizeof(a->certificate_wire));
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
	if (!beacon_verify_is_sign(verdict))
		return; /* anyone can send that */
	if (verdict == REASON_OK) {
		memcpy(fact.site, a.certificate.site, sizeof(a.certificate.site));
		/* the root says so, whoever repeats it: an epoch only rises, and rising closes */
		if (a.certificate.epoch > d->min_epoch)
			d->min_epoch = a.certificate.epoch;
	} else
		memcpy(fact.site, "an old certificate", sizeof("an old certificate"));
	decide_uplinks_step(d, u, &fact, now);
	if (verdict == REASON_OK && site_counts(decide_docs_policy(d), a.certificate.site))
		remember(u, m, &a, now);
}

static const struct decide_announcer *whom(const struct uplink *u, uint64_t now)
{
	for (unsigned i = 0; i < ARRAY_LEN(u->announcer); i++) {
		const struct decide_announcer *a =
			&u->announcer[(u->preferred + i) % ARRAY_LEN(u->announcer)];

		if (a->at_boot_ms != 0 && now - a->at_boot_ms < ANNOUNCED_MS)
			return a;
	}
	return NULL;
}

static void order_probe(struct decider *d, struct uplink *u, const struct decide_announcer *a,
			uint64_t now)
{
	struct msg_probe_order order = { .ifindex = u->state.link.ifindex,
					 .family = a->family,
					 .port = a->port,
					 .now_wall_s = loop_now_wall_s(),
					 .min_epoch = d->min_epoch,
					 .certificate_bytes = a->certificate_bytes };
	int fd = d->role.peer_fd[ROLE_PROVE];

	if (++d->probe_seq == 0)
		d->probe_seq = 1;
	order.id = d->probe_seq;
	memcpy(order.ifname, u->ifname, sizeof(order.ifname));
	memcpy(order.address, a->address, sizeof(order.address));
	memcpy(order.root_key, d->docs.trust.beacon_root, sizeof(order.root_key));
	memcpy(order.source_mac, u->state.link.mac, sizeof(order.source_mac));
	memcpy(order.certificate, a->certificate, sizeof(order.certificate));
	u->next_probe_boot_ms = now + FAILED_MAX_MS;
	if (fd < 0 || ipc_send(fd, &order, sizeof(order), -1) < 0)
		return; /* prove comes back, and is asked then */
	u->probe_id = order.id;
	u->probe_generation = u->state.generation;
	u->probe_until_boot_ms = now + PROBE_MS;
}

void decide_probe_tick(struct decider *d, struct uplink *u, uint64_t now)
{
	const struct decide_announcer *a;

	if (u->probe_id != 0 && now >= u->probe_until_boot_ms)
		u->probe_id = 0;
	if (u->probe_id != 0 || now < u->next_probe_boot_ms || !u->state.link.carrier)
		return;
	a = whom(u, now);
	if (a)
		order_probe(d, u, a, now);
}

uint64_t decide_probe_wake(const struct uplink *u)
{
	uint64_t soonest;

	if (u->probe_id != 0)
		return u->probe_until_boot_ms;
	if (u->announcer[0].at_boot_ms == 0 && u->announcer[1].at_boot_ms == 0)
		return UINT64_MAX;
	/* an announcer that fell silent is looked at again, but not in a tight loop */
	soonest = u->state.now_boot_ms + FAILED_MIN_MS;
	return u->next_probe_boot_ms > soonest ? u->next_probe_boot_ms : soonest;
}

static void take_proof(struct decider *d, struct uplink *u, const struct msg_proof *p, uint64_t now)
{
	struct classify_fact fact = { .kind = CLASSIFY_PROOF };
	uint64_t again_ms = jitter_ms(AGAIN_MIN_MS, AGAIN_MAX_MS);

	fact.proof.generation = u->probe_generation;
	fact.proof.lifetime_s = p->lifetime_s;
	memcpy(fact.proof.site, p->site, sizeof(fact.proof.site));
	u->refusal = REASON_OK;
	/* before the proof's own end, whatever it is: a third of it leaves two more tries */
	u->next_probe_boot_ms = now + MIN(again_ms, (uint64_t)p->lifetime_s * 1000 / 3);
	decide_uplinks_step(d, u, &fact, now);
}

static void take_refusal(struct uplink *u, enum reason reason, uint64_t now)
{
	if (u->refusal != reason)
		log_warn(0, "uplink '%s': no proof: %s", u->ifname, reason_text(reason));
	u->refusal = reason;
	u->preferred ^= 1;
	u->next_probe_boot_ms = now + jitter_ms(FAILED_MIN_MS, FAILED_MAX_MS);
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
		u->probe_id = 0;
		if (p.reason == REASON_OK && site_counts(decide_docs_policy(d), p.site))
			take_proof(d, u, &p, now);
		else
			take_refusal(u,
				     p.reason == REASON_OK ? REASON_BEACON_CERTIFICATE
							   : (enum reason)p.reason,
				     now);
	}
}
