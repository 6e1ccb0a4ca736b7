#include "roles/decide_plan.h"

#include <string.h>

#include "base/util.h"

enum { EPOCH_MAX = 0xffff };

static bool same_grant(const struct msg_grant *a, const struct msg_grant *b)
{
	return a->verdict == b->verdict && a->net_class == b->net_class &&
	       memcmp(a->in_ifname, b->in_ifname, sizeof(a->in_ifname)) == 0 &&
	       memcmp(a->out_ifname, b->out_ifname, sizeof(a->out_ifname)) == 0;
}

bool decide_plan_holds(const struct decide_net *net, const struct msg_grant *grant)
{
	for (uint32_t i = 0; i < net->n_grants; i++)
		if (same_grant(&net->grant[i], grant))
			return true;
	return false;
}

static void add(struct decide_net *net, const struct msg_grant *grant)
{
	if (net->n_grants < MSG_GRANTS && !decide_plan_holds(net, grant))
		net->grant[net->n_grants++] = *grant;
}

/* Take out what `wanted` does not hold, into *ret_out if not NULL. True when there was any. */
static bool restrict_to(struct decide_net *net, const struct decide_net *wanted,
			struct decide_net *ret_out)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < net->n_grants; i++) {
		const struct msg_grant g = net->grant[i];

		if (decide_plan_holds(wanted, &g))
			net->grant[n++] = g;
		else if (ret_out)
			add(ret_out, &g);
	}
	if (n == net->n_grants)
		return false;
	net->n_grants = n;
	return true;
}

static uint32_t next_epoch(uint32_t epoch)
{
	return epoch % EPOCH_MAX + 1;
}

static void mark_tightening(struct decide_plan *plan)
{
	if (!plan->tightens)
		plan->epoch = next_epoch(plan->epoch);
	plan->tightens = true;
	plan->due = true;
	plan->unsent_boot_ms = 0;
}

void decide_plan_init(struct decide_plan *ret, uint32_t first_epoch)
{
	memset(ret, 0, sizeof(*ret));
	ret->epoch = first_epoch % EPOCH_MAX + 1;
	mark_tightening(ret);
}

static bool same_prefixes(const struct decide_plan *plan, const struct msg_prefix *prefix,
			  uint32_t n)
{
	return plan->n_prefixes == n && memcmp(plan->prefix, prefix, n * sizeof(*prefix)) == 0;
}

static bool leaves_prefixes_out(uint32_t verdict)
{
	return verdict == GRANT_OPEN_LESS_CORPORATE || verdict == GRANT_PORTAL;
}

static bool is_for_endpoints(uint32_t verdict)
{
	return verdict == GRANT_VPN || verdict == GRANT_BACK_VPN;
}

static bool drop(struct decide_net *net, bool (*which)(uint32_t verdict),
		 struct decide_net *ret_out)
{
	struct decide_net rest = { 0 };

	for (uint32_t i = 0; i < net->n_grants; i++)
		if (!which(net->grant[i].verdict))
			add(&rest, &net->grant[i]);
	return restrict_to(net, &rest, ret_out);
}

/* What they meant has changed: they end, and are asked for anew. True when there was any. */
static bool drop_everywhere(struct decide_plan *plan, bool (*which)(uint32_t verdict))
{
	(void)drop(&plan->intended, which, NULL);
	(void)drop(&plan->opened, which, NULL);
	return drop(&plan->allowed, which, &plan->closed);
}

void decide_plan_endpoints(struct decide_plan *plan, const struct msg_endpoint *endpoint,
			   uint32_t n_endpoints)
{
	n_endpoints = MIN(n_endpoints, (uint32_t)MSG_ENDPOINTS);
	if (plan->n_endpoints == n_endpoints &&
	    memcmp(plan->endpoint, endpoint, n_endpoints * sizeof(*endpoint)) == 0)
		return;
	memcpy(plan->endpoint, endpoint, n_endpoints * sizeof(*endpoint));
	plan->n_endpoints = n_endpoints;
	/* also without such a grant: a tunnel of netguard's own goes by them */
	(void)drop_everywhere(plan, is_for_endpoints);
	mark_tightening(plan);
}

void decide_plan_want(struct decide_plan *plan, const struct decide_net *wanted,
		      const struct msg_prefix *prefix, uint32_t n_prefixes)
{
	bool tightens;

	plan->wanted = *wanted;
	tightens = restrict_to(&plan->allowed, wanted, &plan->closed);
	(void)restrict_to(&plan->intended, wanted, NULL);
	(void)restrict_to(&plan->opened, wanted, NULL); /* no outcome for what is gone again */

	n_prefixes = MIN(n_prefixes, (uint32_t)MSG_PREFIXES);
	if (!same_prefixes(plan, prefix, n_prefixes)) {
		tightens |= drop_everywhere(plan, leaves_prefixes_out);
		memcpy(plan->prefix, prefix, n_prefixes * sizeof(*prefix));
		plan->n_prefixes = n_prefixes;
	}
	if (tightens)
		mark_tightening(plan);
}

void decide_plan_links(struct decide_plan *plan, bool down)
{
	plan->links_moved = plan->links_moved || plan->links_down != down;
	plan->links_down = down;
	mark_tightening(plan);
}

static bool under_way(const struct decide_plan *plan)
{
	return plan->acked_id != plan->last_id;
}

static bool wants_more(const struct decide_plan *plan)
{
	for (uint32_t i = 0; i < plan->wanted.n_grants; i++)
		if (!decide_plan_holds(&plan->allowed, &plan->wanted.grant[i]))
			return true;
	return false;
}

static void fail_intent(struct decide_plan *plan, uint64_t now)
{
	plan->intended.n_grants = 0;
	plan->n_intents = 0;
	plan->audit_failed = true;
	plan->retry_boot_ms = now + PLAN_RETRY_MS;
}

/* The intent is on disk: what of it is still wanted is allowed. */
static void take_intent(struct decide_plan *plan)
{
	for (uint32_t i = 0; i < plan->intended.n_grants; i++) {
		add(&plan->allowed, &plan->intended.grant[i]);
		add(&plan->opened, &plan->intended.grant[i]);
		plan->due = true;
	}
	plan->intended.n_grants = 0;
	plan->n_intents = 0;
	plan->opened_id = plan->last_id + 1;
}

static void begin_intent(struct decide_plan *plan)
{
	plan->intended.n_grants = 0;
	for (uint32_t i = 0; i < plan->wanted.n_grants; i++)
		if (!decide_plan_holds(&plan->allowed, &plan->wanted.grant[i]))
			add(&plan->intended, &plan->wanted.grant[i]);
}

enum decide_plan_step decide_plan_next(struct decide_plan *plan, uint64_t now, bool audit)
{
	bool may_send = now >= plan->unsent_boot_ms;

	if (now >= plan->renew_boot_ms)
		plan->quiet = false; /* late: the next renewal waits for its answer */
	if (plan->tightens && may_send)
		return PLAN_SEND;
	if (plan->n_intents > 0 && now >= plan->intent_boot_ms + PLAN_INTENT_MS)
		fail_intent(plan, now);
	if (plan->n_intents > 0 && plan->n_audited == plan->n_intents && !under_way(plan))
		take_intent(plan);
	if (may_send && !under_way(plan) &&
	    (plan->due || now + PLAN_EARLY_MS >= plan->renew_boot_ms))
		return PLAN_SEND;
	if (plan->n_intents == 0 && audit && now >= plan->retry_boot_ms && wants_more(plan)) {
		begin_intent(plan);
		return PLAN_INTENT;
	}
	return PLAN_WAIT;
}

void decide_plan_build(const struct decide_plan *plan, uint64_t now_wall_s,
		       struct msg_net_state *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->id = plan->last_id + 1;
	ret->epoch = plan->epoch;
	ret->tightens = plan->tightens;
	ret->n_grants = plan->allowed.n_grants;
	ret->wall_bound_s = now_wall_s + PLAN_BOUND_S;
	memcpy(ret->grant, plan->allowed.grant, ret->n_grants * sizeof(ret->grant[0]));
	for (uint32_t i = 0; i < ret->n_grants; i++)
		ret->grant[i].timeout_ms = PLAN_GRANT_MS;
	ret->links_down = plan->links_down && ret->n_grants == 0;
	ret->n_prefixes = plan->n_prefixes;
	memcpy(ret->prefix, plan->prefix, ret->n_prefixes * sizeof(ret->prefix[0]));
	ret->n_endpoints = plan->n_endpoints;
	memcpy(ret->endpoint, plan->endpoint, ret->n_endpoints * sizeof(ret->endpoint[0]));
}

/* What closes is on its way, or finds none. The time runs from the oldest that is open still; a new
 * nft is loading closed rules, and takes the time it takes. */
static void expect_closed(struct decide_plan *plan, uint64_t now, uint64_t least_ms)
{
	plan->close_id = plan->last_id + 1;
	if (plan->met && plan->close.by_boot_ms == 0)
		patience_begin(&plan->close, now, least_ms);
}

void decide_plan_sent(struct decide_plan *plan, uint64_t now)
{
	if (plan->tightens)
		expect_closed(plan, now, plan->links_moved ? PLAN_LINKS_MS : 0);
	plan->quiet = plan->up && !under_way(plan) && !plan->due && !plan->tightens;
	if (!under_way(plan))
		plan->sent_boot_ms = now;
	plan->last_id++;
	plan->due = false;
	plan->tightens = false;
	plan->links_moved = false;
	plan->renew_boot_ms = now + PLAN_RENEW_MS;
	plan->unsent_boot_ms = 0;
}

void decide_plan_unsent(struct decide_plan *plan, uint64_t now)
{
	if (plan->tightens) /* who is started in its place closes first of all */
		expect_closed(plan, now, PLAN_LINKS_MS);
	plan->up = false;
	plan->unsent_boot_ms = now + PLAN_RETRY_MS;
}

void decide_plan_intend(struct decide_plan *plan, uint32_t first_id, uint32_t n, uint64_t now)
{
	plan->intent_first_id = first_id;
	plan->n_intents = n;
	plan->n_audited = 0;
	plan->intent_boot_ms = now;
	if (n == 0)
		fail_intent(plan, now);
}

bool decide_plan_audited(struct decide_plan *plan, uint32_t id, int error, uint64_t now)
{
	/* ids count up and wrap: the difference tells */
	if (plan->n_intents == 0 || id - plan->intent_first_id >= plan->n_intents)
		return false;
	if (error)
		fail_intent(plan, now);
	else if (id - plan->intent_first_id == plan->n_audited) /* in order, each once */
		plan->n_audited++;
	if (plan->n_intents > 0 && plan->n_audited == plan->n_intents)
		plan->audit_failed = false;
	return true;
}

enum decide_plan_ack decide_plan_acked(struct decide_plan *plan, uint32_t id, int error,
				       uint64_t now)
{
	/* answers come in order; one that was never asked for is as stale as an old one */
	if (id - plan->acked_id == 0 || id - plan->acked_id > plan->last_id - plan->acked_id)
		return PLAN_ACK_STALE;
	plan->acked_id = id;
	plan->sent_boot_ms = now; /* of the one after it, at the latest */
	plan->up = error == 0;
	plan->met = true;
	if (error)
		return PLAN_ACK_FAILED;
	if (!plan->tightens && id - plan->close_id <= plan->last_id - plan->close_id)
		patience_end(&plan->close, now);
	else if (plan->close.by_boot_ms != 0) /* it does take one after the other */
		patience_begin(&plan->close, now, 0);
	return id == plan->last_id ? PLAN_ACK_OK : PLAN_ACK_STALE;
}

bool decide_plan_listens(const struct decide_plan *plan)
{
	/* a loosening waits for it */
	return !under_way(plan) || !plan->quiet || plan->due || plan->n_intents > 0;
}

void decide_plan_peer(struct decide_plan *plan)
{
	plan->acked_id = plan->last_id;
	plan->up = false;
	plan->met = false;
	plan->close.by_boot_ms = 0;
	mark_tightening(plan);
}

bool decide_plan_overdue(const struct decide_plan *plan, uint64_t now)
{
	return under_way(plan) && now > plan->sent_boot_ms + PLAN_ACK_MS;
}

bool decide_plan_stuck(struct decide_plan *plan, uint64_t now)
{
	if (!patience_over(&plan->close, now))
		return false;
	plan->met = false;
	plan->up = false;
	return true;
}

bool decide_plan_closed(const struct decide_plan *plan)
{
	return plan->up && !plan->tightens && plan->close.by_boot_ms == 0;
}

void decide_plan_forgive(struct decide_plan *plan, uint64_t now)
{
	plan->sent_boot_ms = now;
	plan->intent_boot_ms = now;
	if (plan->close.by_boot_ms != 0)
		patience_begin(&plan->close, now, 0);
}

uint64_t decide_plan_wake(const struct decide_plan *plan, bool audit)
{
	uint64_t close_by = plan->close.by_boot_ms ? plan->close.by_boot_ms : UINT64_MAX;
	uint64_t at;

	if (plan->tightens)
		return MIN(plan->unsent_boot_ms, close_by);
	at = under_way(plan) && !plan->quiet		  ? plan->sent_boot_ms + PLAN_ACK_MS + 1
	     : plan->unsent_boot_ms > plan->renew_boot_ms ? plan->unsent_boot_ms
							  : plan->renew_boot_ms;
	if (plan->n_intents > 0)
		at = MIN(at, plan->intent_boot_ms + PLAN_INTENT_MS);
	else if (audit && wants_more(plan))
		at = MIN(at, plan->retry_boot_ms);
	return MIN(at, close_by);
}
