/* decide_plan.h - what goes to nft, and when: tightening at once, loosening after its audit intent.
 *
 * The plan holds what is wanted (policy's answer to the zones of now), what is allowed (wanted, and
 * its intent is on disk), and what is between the two. Every message to nft carries exactly what
 * is allowed, so a grant can only be there after decide_plan_audited() said so for its intent.
 *
 *	decide_plan_want(...);
 *	while ((step = decide_plan_next(&plan, now, audit)) != PLAN_WAIT)
 *		PLAN_SEND:   decide_plan_build() -> send -> decide_plan_sent(), or stop trying
 *		PLAN_INTENT: one record for each grant of plan.intended -> decide_plan_intend()
 *
 * Renewals and loosenings wait until nft has acknowledged the message before them: a peer that was
 * stopped finds one old message in its socket, not a minute of them. Tightenings never wait. The
 * answer to a mere renewal wakes nobody: decide_plan_listens() says whether one is waited for.
 *
 * Pure: values in, values out. Times are CLOCK_BOOTTIME in milliseconds. */
#ifndef ROLES_DECIDE_PLAN_H
#define ROLES_DECIDE_PLAN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/patience.h"
#include "policy/decide.h"

enum {
	PLAN_GRANT_MS = 5000,  /* a grant ends by itself after this */
	PLAN_RENEW_MS = 3800,  /* and it may be tried once more; a socket loses nothing */
	PLAN_EARLY_MS = 1500,  /* so long before, who is awake anyway renews: with sniff's beat */
	PLAN_ACK_MS = 15000,   /* nft answers in under a millisecond */
	PLAN_LINKS_MS = 1000,  /* what closes, when cards go up or down by it, or nobody takes it */
	PLAN_INTENT_MS = 2000, /* one fsync */
	PLAN_RETRY_MS = 1000,  /* after a failed intent, or a full socket */
	PLAN_BOUND_S = 6,      /* PLAN_GRANT_MS, and the second that is cut off */
};

enum decide_plan_step { PLAN_WAIT, PLAN_SEND, PLAN_INTENT };

enum decide_plan_ack {
	PLAN_ACK_STALE,	 /* of an older message; nothing follows */
	PLAN_ACK_OK,	 /* the state of now is in force; plan.opened may want its outcomes */
	PLAN_ACK_FAILED, /* nft could not: start it anew */
};

struct decide_plan {
	struct decide_net wanted;
	struct decide_net allowed;
	struct decide_net intended; /* n_grants 0: no intent is under way */
	struct decide_net opened;   /* sent first with .opened_id; outcomes are due after its ack */
	struct decide_net closed;   /* taken away since the caller last looked: events are due */
	uint32_t n_prefixes;
	struct msg_prefix prefix[MSG_PREFIXES];
	uint32_t n_endpoints;
	struct msg_endpoint endpoint[MSG_ENDPOINTS];

	uint32_t epoch;
	uint32_t last_id;  /* of the last message sent */
	uint32_t acked_id; /* == last_id: nothing is under way */
	uint32_t opened_id;
	uint32_t close_id;     /* of the last message that closes */
	struct patience close; /* its answer is awaited, or others close; else nothing is open */
	bool met;	       /* this nft has answered before: it began closed, and serves */
	bool links_moved;      /* the message that is due moves the uplinks */
	bool links_down;       /* the uplinks are to be down */
	bool due;	       /* what is allowed has changed and was not sent */
	bool tightens;	       /* ... and some of it closes */
	bool up;	       /* nft confirmed, and is not late */
	bool quiet;	       /* what is under way is a mere renewal, and has time */
	uint64_t sent_boot_ms; /* of the oldest message without answer */
	uint64_t renew_boot_ms;
	uint64_t unsent_boot_ms; /* try again not before this */

	uint32_t intent_first_id;
	uint32_t n_intents;
	uint32_t n_audited;
	uint64_t intent_boot_ms; /* when it was written */
	uint64_t retry_boot_ms;
	bool audit_failed;
};

/* Nothing is wanted or allowed; the first message, which closes, is due. first_epoch: any number,
 * not one that an earlier process may just have used. */
void decide_plan_init(struct decide_plan *ret, uint32_t first_epoch);

/* What policy wants from now on. What is no longer wanted is disallowed here and now. Other
 * prefixes than before end every grant that leaves them out. */
void decide_plan_want(struct decide_plan *plan, const struct decide_net *wanted,
		      const struct msg_prefix *prefix, uint32_t n_prefixes);

/* The endpoints of the VPN from now on; say so before decide_plan_want(). Others than before end
 * every grant that is for them. */
void decide_plan_endpoints(struct decide_plan *plan, const struct msg_endpoint *endpoint,
			   uint32_t n_endpoints);

/* The uplinks are to be down, or up again: a message is due in any case. Whoever takes them down
 * wants no grant either. */
void decide_plan_links(struct decide_plan *plan, bool down);

/* What is to be done now. audit: there is an audit role to ask. */
enum decide_plan_step decide_plan_next(struct decide_plan *plan, uint64_t now_boot_ms, bool audit);

/* The message that is due. */
void decide_plan_build(const struct decide_plan *plan, uint64_t now_wall_s,
		       struct msg_net_state *ret);

/* It was sent; or it was not (the socket is full, or nft is not there). */
void decide_plan_sent(struct decide_plan *plan, uint64_t now_boot_ms);
void decide_plan_unsent(struct decide_plan *plan, uint64_t now_boot_ms);

/* The records first_id .. first_id + n - 1 ask audit about plan.intended. n 0: it could not be
 * asked. */
void decide_plan_intend(struct decide_plan *plan, uint32_t first_id, uint32_t n,
			uint64_t now_boot_ms);

/* Audit answered: error 0, or negative. Any id may come; true when it was about an intent. */
bool decide_plan_audited(struct decide_plan *plan, uint32_t id, int error, uint64_t now_boot_ms);

/* nft answered. */
enum decide_plan_ack decide_plan_acked(struct decide_plan *plan, uint32_t id, int error,
				       uint64_t now_boot_ms);

/* Is an answer, or news, of nft worth waking up for? If not, it is to be read at the next wake-up,
 * whatever that is for. */
bool decide_plan_listens(const struct decide_plan *plan);

/* nft was replaced: it knows nothing of before. */
void decide_plan_peer(struct decide_plan *plan);

/* Is nft late with an answer? */
bool decide_plan_overdue(const struct decide_plan *plan, uint64_t now_boot_ms);

/* Has a message that closes waited for longer than it may? True once for each: from then on the
 * kernel's word is waited for no more, and whoever closes without nft is to be called. */
bool decide_plan_stuck(struct decide_plan *plan, uint64_t now_boot_ms);

/* Has nft confirmed all that closes? Not when it never did, and not as long as it is gone. */
bool decide_plan_closed(const struct decide_plan *plan);

/* This process itself was late (stopped, starved): give the others their time again. */
void decide_plan_forgive(struct decide_plan *plan, uint64_t now_boot_ms);

/* When decide_plan_next() is due again at the latest. */
uint64_t decide_plan_wake(const struct decide_plan *plan, bool audit);

/* Is this pair among the grants, whatever else it says? verdict: the very one, too. */
bool decide_plan_holds(const struct decide_net *net, const struct msg_grant *grant);

#endif
