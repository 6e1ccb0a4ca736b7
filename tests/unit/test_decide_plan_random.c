/* Random sequences of events: nft is never told more than audit confirmed and policy wants. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

#include "roles/decide_plan.h"
#include "tests/unit/plan_lab.h"

struct world {
	struct decide_plan plan;
	struct decide_net confirmed; /* intent on disk since they were last unwanted */
	struct decide_net asked;     /* the intent under way, as it was written */
	struct decide_net wanted;
	uint32_t next_id, n_asked, n_answered;
	uint32_t inflight[64], n_inflight;
	uint64_t now;
};

static struct decide_net random_net(void)
{
	static const char *const ports[] = { "host0", "vif1.0" };
	static const char *const uplinks[] = { "eth0", "wlan0" };
	struct decide_net net = { 0 };

	for (unsigned i = 0; i < 4; i++)
		if (rand() % 2) {
			const char *port = ports[i & 1], *uplink = uplinks[i >> 1];
			uint32_t verdict = rand() % 2 ? GRANT_OPEN : GRANT_OPEN_LESS_CORPORATE;

			net.grant[net.n_grants++] = a_grant(port, uplink, verdict);
			net.grant[net.n_grants++] = a_grant(uplink, port, GRANT_BACK);
		}
	return net;
}

static void forget_unwanted(struct decide_net *net, const struct decide_net *wanted)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < net->n_grants; i++)
		if (decide_plan_holds(wanted, &net->grant[i]))
			net->grant[n++] = net->grant[i];
	net->n_grants = n;
}

static void drain(struct world *w, bool audit)
{
	enum decide_plan_step step;
	unsigned guard = 0;

	while ((step = decide_plan_next(&w->plan, w->now, audit)) != PLAN_WAIT) {
		assert_true(++guard < 8);
		if (step == PLAN_SEND) {
			struct msg_net_state s = send_now(&w->plan, w->now);

			for (uint32_t i = 0; i < s.n_grants; i++) {
				assert_true(decide_plan_holds(&w->wanted, &s.grant[i]));
				assert_true(decide_plan_holds(&w->confirmed, &s.grant[i]));
			}
			if (w->n_inflight < 64)
				w->inflight[w->n_inflight++] = s.id;
		} else {
			w->asked = w->plan.intended;
			w->n_asked = 1 + (uint32_t)rand() % 3;
			w->n_answered = 0;
			decide_plan_intend(&w->plan, w->next_id, w->n_asked, w->now);
			w->next_id += w->n_asked;
		}
	}
	/* nothing that was taken away is still to be sent */
	assert_false(w->plan.tightens);
}

static void one_event(struct world *w)
{
	switch (rand() % 6) {
	case 0:
		w->wanted = random_net();
		want(&w->plan, w->wanted);
		forget_unwanted(&w->confirmed, &w->wanted);
		forget_unwanted(&w->asked, &w->wanted);
		break;
	case 1: /* audit answers the next record, mostly well */
		if (w->n_answered < w->n_asked && w->plan.n_intents > 0) {
			uint32_t id = w->next_id - w->n_asked + w->n_answered++;
			int error = rand() % 8 ? 0 : -EIO;

			decide_plan_audited(&w->plan, id, error, w->now);
			for (uint32_t i = 0;
			     !error && w->n_answered == w->n_asked && i < w->asked.n_grants; i++)
				w->confirmed.grant[w->confirmed.n_grants++] = w->asked.grant[i];
			if (error || w->n_answered == w->n_asked)
				w->n_answered = w->n_asked = 0;
			if (w->confirmed.n_grants > 64)
				forget_unwanted(&w->confirmed, &w->plan.allowed);
		}
		break;
	case 2: /* nft answers the next message */
		if (w->n_inflight > 0) {
			decide_plan_acked(&w->plan, w->inflight[0], rand() % 9 ? 0 : -EINVAL,
					  w->now);
			memmove(w->inflight, w->inflight + 1,
				--w->n_inflight * sizeof(w->inflight[0]));
		}
		break;
	case 3:
		w->now += (uint64_t)rand() % 1000;
		break;
	case 4: /* answers that nobody asked for */
		decide_plan_audited(&w->plan, w->next_id + (uint32_t)rand() % 50, 0, w->now);
		decide_plan_acked(&w->plan, (uint32_t)rand(), 0, w->now);
		break;
	default:
		if (rand() % 10 == 0) {
			decide_plan_peer(&w->plan);
			w->n_inflight = 0;
		}
		break;
	}
}

static void never_looser_than_wanted_and_audited(void **state)
{
	const char *given = getenv("SEED");
	unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);
	unsigned n_opened = 0;

	(void)state;
	printf("seed %u\n", seed);
	srand(seed);
	for (unsigned run = 0; run < 200; run++) {
		struct world w = { .next_id = UINT32_MAX - 50, .now = 1 };

		decide_plan_init(&w.plan, (uint32_t)rand());
		for (unsigned i = 0; i < 500; i++) {
			one_event(&w);
			drain(&w, rand() % 8 != 0);
			n_opened += w.plan.allowed.n_grants > 0;
		}
	}
	assert_true(n_opened > 1000); /* the property is not held by staying closed */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(never_looser_than_wanted_and_audited),
	};

	return cmocka_run_group_tests_name("decide_plan_random", tests, NULL, NULL);
}
