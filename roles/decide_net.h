/* decide_net.h - the part of decide.h about networks: uplinks, ports, homes, proofs, grants.
 *
 * Facts about links become zones (decide_uplinks.c), zones and policy become grants
 * (decide_enforce.c); between them stand proofs, homes, and what people say. */
#ifndef ROLES_DECIDE_NET_H
#define ROLES_DECIDE_NET_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/reason.h"
#include "netguard/classify.h"
#include "netguard/resolvers.h"
#include "policy/policy_doc.h"

struct decider;

enum {
	DECIDE_ANNOUNCERS = 4,	  /* on one uplink; the one that proved keeps its place */
	DECIDE_WATCH_MS = 10000,  /* carrier, but no heartbeat of sniff: start the helpers anew */
	DECIDE_RESTART_MS = 5000, /* not more often than this */
	DECIDE_RENEW_MS = 10000,  /* the same for dhcp, which answers within a second or two */
};

/* What a beacon said of itself on one uplink. */
struct decide_announcer {
	uint64_t at_boot_ms; /* 0: none */
	uint32_t family;
	uint16_t port;
	uint8_t address[16];
	uint8_t certificate[256];
	uint32_t certificate_bytes;
};

struct uplink {
	char ifname[MSG_IFNAME_BYTES];
	struct classify_state state;
	struct resolvers resolvers;    /* that its network named, since the link came */
	uint64_t portal_until_boot_ms; /* 0: nobody asked for a captive portal's pages */
	uint32_t portal_generation;    /* of the link, when somebody did */
	enum zone told;		       /* the zone that audit knows */
	uint64_t watched_boot_ms;      /* the last heartbeat, or when the link came */
	uint32_t last_ifindex;	       /* of the link that had the name last; 0: none yet */
	uint64_t renew_boot_ms;	       /* no SUP_DHCP_RESTART before this */
	bool agreed;		       /* somebody said yes to the network of now */
	/* decide_probe.c */
	uint32_t proof_class; /* what a certificate must say to prove this uplink */
	struct decide_announcer announcer[DECIDE_ANNOUNCERS];
	unsigned preferred; /* which of them is asked next */
	unsigned asked;	    /* which was asked last */
	unsigned proved;    /* which answered well last; DECIDE_ANNOUNCERS: none */
	bool announced;	    /* a valid announcement was heard on this link */
	uint32_t probe_id;  /* 0: none under way */
	uint32_t probe_kind;
	uint32_t probe_generation;
	uint64_t probe_until_boot_ms;
	uint64_t next_probe_boot_ms;
	uint64_t verify_boot_ms; /* second of the count below */
	unsigned n_verified;
	bool told_refusal[N_REASONS]; /* on this link: each is told once */
	/* decide_tls.c: a round over the policy's servers */
	uint32_t n_tls_asked;
	uint64_t tls_serial;  /* of the policy that this round is about */
	uint64_t tls_boot_ms; /* of the round's start */
};

struct port {
	char ifname[MSG_IFNAME_BYTES]; /* "": free */
	uint32_t net_class;
	bool allowed;
	uint32_t verdict; /* enum grant_verdict, when allowed */
	uint32_t reason;
	char by_uplink[MSG_IFNAME_BYTES];
	uint64_t since_boot_ms;
};

/* A loosening that a person asked for: its intent is being written. One at a time. */
struct home_request {
	uint32_t verb;	    /* CTL_HOME_ENROL or CTL_NET_ALLOW; 0: none */
	uint32_t record_id; /* of the intent */
	uint64_t until_boot_ms;
	int client; /* index, or -1: it did not wait */
	unsigned uid;
	unsigned uplink; /* index, in this generation: */
	uint32_t generation;
	char name[MSG_NAME_BYTES];
};

/* -- decide_uplinks.c: facts become zones -- */
void decide_uplinks_init(struct decider *d, uint64_t now);
void decide_uplinks_rules(struct decider *d, uint64_t now); /* the policy changed */
void decide_uplinks_netlink(struct decider *d);
void decide_uplinks_claim(struct decider *d, uint64_t now);
void decide_uplinks_sniff_gone(struct decider *d, uint64_t now);
void decide_uplinks_resumed(struct decider *d, uint64_t now); /* everything is unknown */
void decide_uplinks_tick(struct decider *d, uint64_t now);
uint64_t decide_uplinks_wake(const struct decider *d);

/* One fact about one uplink. */
void decide_uplinks_step(struct decider *d, struct uplink *u, const struct classify_fact *fact,
			 uint64_t now);

/* -- decide_rules.c: policy's words for the state machine; NULL: none, the strictest -- */
void decide_rules_of(const struct policy *policy, struct classify_rules *r);

/* -- decide_pace.c: how often sniff beats -- */

/* In every round, when all facts are taken. */
void decide_pace(struct decider *d);

/* -- decide_samples.c: what the rules dropped -- */
void decide_samples_claim(struct decider *d, const struct msg_blocked *m, uint64_t now);

/* Write the sums that are due. */
void decide_samples_tick(struct decider *d, uint64_t now);

/* -- decide_homes.c: which networks are homes -- */

/* Read what the supervisor handed over: whole, or no homes. */
void decide_homes_load(struct decider *d);

/* The homes that count now, into the rules. */
void decide_homes_rules(const struct decider *d, struct classify_rules *ret);

/* The policy changed: one that forbids homes ends them for good. */
void decide_homes_policy(struct decider *d, uint64_t now);

/* End what is too old. */
void decide_homes_tick(struct decider *d, uint64_t now);

/* Is this somebody whose word counts? */
bool decide_homes_may(enum policy_who who, unsigned uid);

/* The network of u, for which classify_home_of() holds, is a home from now on. */
void decide_homes_add(struct decider *d, struct uplink *u, const char *name, uint64_t now);

/* u heard something: if it is a home since its cable was plugged in, what greeted late is part of it. */
void decide_homes_grow(struct decider *d, const struct uplink *u);

/* Requests that wait for nothing. */
void decide_homes_forget(struct decider *d, int client, const struct msg_ctl *m, uint64_t now);
void decide_homes_list(struct decider *d, int client);

/* -- decide_consent.c: what people say of networks -- */

/* CTL_HOME_* and CTL_NET_ALLOW of a client; it is answered here or when the intent is on disk. */
void decide_consent_serve(struct decider *d, int client, const struct msg_ctl *m, uint64_t now);
void decide_consent_hung_up(struct decider *d, int client);

/* Audit answered about a record. True: it was the intent of a request. */
bool decide_consent_audited(struct decider *d, uint32_t record_id, int error, uint64_t now);
void decide_consent_tick(struct decider *d, uint64_t now);
uint64_t decide_consent_wake(const struct decider *d);

/* -- decide_probe.c: announcements and proofs -- */
void decide_probe_heard(struct decider *d, struct uplink *u, const struct msg_announce *announce,
			uint64_t now);
void decide_probe_proof(struct decider *d, uint64_t now);
void decide_probe_tick(struct decider *d, struct uplink *u, uint64_t now);
uint64_t decide_probe_wake(const struct decider *d, const struct uplink *u);
void decide_probe_reset(struct uplink *u);

/* What is under way is void; ask anew at once. */
void decide_probe_again(struct uplink *u, uint64_t now);

/* Send an order whose kind, address and what belongs to the kind are filled in. */
void decide_probe_order(struct decider *d, struct uplink *u, struct msg_probe_order *order,
			uint64_t now);

/* It is in force from now on, and asked for again in time. */
void decide_probe_take(struct decider *d, struct uplink *u, uint32_t kind,
		       const struct msg_proof *proof, uint64_t now);

/* Say why there is no proof: to people and audit, once for each link and reason. */
void decide_probe_refuse(struct decider *d, struct uplink *u, enum reason reason, const char *what);

/* When to ask again after a refusal. */
void decide_probe_retry(struct uplink *u, uint64_t now);

/* -- decide_tls.c: the weaker proof, where no beacon is heard -- */

/* Is it to be asked for? Only where the policy names servers and a sign stands. */
bool decide_tls_wanted(const struct decider *d, const struct uplink *u);
void decide_tls_order(struct decider *d, struct uplink *u, uint64_t now);
void decide_tls_answer(struct decider *d, struct uplink *u, const struct msg_proof *proof,
		       uint64_t now);

/* -- decide_enforce.c: zones become grants -- */

/* Ask policy again if anything changed, then do what is due: send, write intents and records. */
void decide_enforce(struct decider *d, uint64_t now);

/* One record for each permission to go out; its way back belongs to it. How many, and the id of the
 * first of them if not NULL; 0 too when audit does not take them. */
unsigned decide_enforce_record(struct decider *d, enum audit_phase phase,
			       const struct decide_net *net, bool opens, uint32_t *ret_first_id);

/* The evidence behind an uplink's zone, for records: "LLDP 'sw1'". */
void decide_enforce_evidence(const struct decider *d, const struct uplink *u,
			     char ret[MSG_NAME_BYTES]);

/* -- decide_nft.c: what nft answers, and what is done when it does not -- */

/* Read all that is there. */
void decide_nft_acked(struct decider *d, uint64_t now);

/* The supervisor closed in its place: record it. */
void decide_nft_closed_without(struct decider *d);

/* In every round: what nft is late with is done without it; who does not answer, or holds sockets on
 * links that are gone, begins anew. */
void decide_nft_tick(struct decider *d, uint64_t now);

/* -- decide_resolve.c: grants become resolvers -- */
void decide_resolve_claim(struct uplink *u, const struct msg_claim *claim);

/* In every round, after decide_enforce(): tell the supervisor what is different from before. */
void decide_resolve(struct decider *d);

#endif
