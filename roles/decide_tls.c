/* The weaker proof: the TLS servers of the policy, one after the other. Where a beacon is heard, it
 * alone is asked; where nothing is heard, nobody is: a hostile network learns nothing. */
#include "roles/decide.h"

#include <string.h>

#include "base/loop.h"
#include "netguard/classify_zone.h"

enum { ROUND_MS = 30000 }; /* half a proof's life: a round that takes longer begins anew */

bool decide_tls_wanted(const struct decider *d, const struct uplink *u)
{
	const struct policy *policy = decide_docs_policy(d);

	return policy && policy->n_tls > 0 && !u->announced && u->state.link.carrier &&
	       u->proof_class == PROOF_CLASS_LINK && classify_zone_sign(&u->state) != 0;
}

void decide_tls_order(struct decider *d, struct uplink *u, uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);
	struct msg_probe_order order = { .kind = PROOF_KIND_TLS };
	const struct policy_tls *t;

	if (u->n_tls_asked >= policy->n_tls || u->tls_serial != policy->serial ||
	    now - u->tls_boot_ms > ROUND_MS)
		u->n_tls_asked = 0;
	if (u->n_tls_asked == 0) {
		u->tls_serial = policy->serial;
		u->tls_boot_ms = now;
	}
	t = &policy->tls[u->n_tls_asked];
	order.family = t->server.family;
	order.port = (uint16_t)t->server.port;
	memcpy(order.address, t->server.address, sizeof(order.address));
	memcpy(order.pin, t->pin, sizeof(order.pin));
	decide_probe_order(d, u, &order, now);
}

/* One server of the round answered well: is that enough? */
static bool enough(const struct policy *policy, const struct uplink *u)
{
	return policy->tls_any || u->n_tls_asked + 1 == policy->n_tls;
}

void decide_tls_answer(struct decider *d, struct uplink *u, const struct msg_proof *proof,
		       uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);
	enum reason reason = (enum reason)proof->reason;
	uint64_t spent_s = (now - u->tls_boot_ms + 999) / 1000;
	struct msg_proof p = *proof;

	if (!decide_tls_wanted(d, u) || u->tls_serial != policy->serial) {
		decide_probe_again(u, now); /* the policy or the network is another one by now */
		return;
	}
	if (reason != REASON_OK)
		decide_probe_refuse(d, u, reason, "the TLS server's proof");
	if (reason == REASON_OK && enough(policy, u)) {
		/* the first of them answered so long ago */
		p.lifetime_s = p.lifetime_s > spent_s ? (uint32_t)(p.lifetime_s - spent_s) : 0;
		u->n_tls_asked = 0;
		decide_probe_take(d, u, PROOF_KIND_TLS, &p, now);
		return;
	}
	u->n_tls_asked++;
	u->next_probe_boot_ms = now;
	if (reason != REASON_OK && (!policy->tls_any || u->n_tls_asked == policy->n_tls)) {
		u->n_tls_asked = 0;
		decide_probe_retry(u, now);
	}
}
