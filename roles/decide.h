/* decide.h - what the files of the role `decide` share.
 *
 * decide joins what the uplinks are (netguard/classify.h) with what is permitted (policy/decide.h)
 * and tells nft; it answers the command; it lets disks be unlocked. It is the only process that
 * knows the policy, and holds no path, no capability and no network.
 * After every fact: tighten, then write records; intent, then loosen (roles/decide_plan.h). */
#ifndef ROLES_DECIDE_H
#define ROLES_DECIDE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"
#include "base/msg_ctl.h"
#include "base/reason.h"
#include "netguard/classify.h"
#include "netguard/homes.h"
#include "netguard/link.h"
#include "netguard/link_table.h"
#include "netguard/resolvers.h"
#include "policy/decide.h"
#include "policy/document.h"
#include "policy/lease.h"
#include "policy/policy_doc.h"
#include "policy/trust.h"
#include "roles/decide_blocked.h"
#include "roles/decide_plan.h"
#include "roles/role.h"

enum {
	DECIDE_CLIENTS = 16,
	DECIDE_CLIENTS_OTHERS = 12, /* of them for callers that are not root */
	DECIDE_MONITORS_OTHERS = 4, /* and of those that stay */
	DECIDE_CLIENT_MS = 5000,    /* to say something */
	DECIDE_OPS = 16,
	DECIDE_OP_MS = 45000,	  /* key gives up after 30 s and says so */
	DECIDE_WATCH_MS = 10000,  /* carrier, but no heartbeat of sniff: start the helpers anew */
	DECIDE_RESTART_MS = 5000, /* not more often than this */
	DECIDE_RENEW_MS = 10000,  /* the same for dhcp, which answers within a second or two */
	DECIDE_SERIAL_MS = 2000,  /* the supervisor has stored the policy by then */
	DECIDE_ANNOUNCERS = 4,	  /* on one uplink; the one that proved keeps its place */
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

struct docs {
	bool has_trust;
	bool has_policy;
	struct trust trust;
	struct policy policy;
	char device[MSG_NAME_BYTES]; /* of the verified record; "" none */
	enum reason policy_reason;   /* why there is none */
	char policy_detail[MSG_TEXT_BYTES];
	int serial_fd;
	uint64_t highest_serial;
	uint64_t serial_due_boot_ms;	      /* write it then; 0: it is written */
	char policy_text[DOCUMENT_BYTES_MAX]; /* the bytes in force */
	size_t policy_bytes;
};

struct disk {
	char name[MSG_NAME_BYTES]; /* "": free */
	uint64_t disk_bytes;
	uint64_t not_after_wall_s;
	uint32_t nbd_index; /* UINT32_MAX: not attached */
};

enum op_kind { OP_NONE, OP_UNLOCK, OP_LOCK, OP_ATTACH, OP_DETACH, OP_CHECKPOINT, OP_ANCHOR };
enum op_stage {
	OP_LEASE,  /* the supervisor opens the lease */
	OP_INTENT, /* audit writes the intent */
	OP_KEY,	   /* key works */
	OP_SOCKET, /* the supervisor connects to the disk's socket */
	OP_DEVICE, /* attach works */
	OP_GONE,   /* answered by key; the disk's block is still ending */
};

/* One request that needs somebody else's answer. */
struct op {
	enum op_kind kind;
	enum op_stage stage;
	uint32_t id;	    /* echoed by key, attach and the supervisor */
	uint32_t record_id; /* of the intent */
	uint64_t until_boot_ms;
	int client; /* index, or -1: nobody waits */
	char name[MSG_NAME_BYTES];
	int pin_fd;
	int lease_fd;
	struct lease lease;
	uint64_t seq;	    /* of the line that is anchored */
	bool gone;	    /* the supervisor said that nobody serves the disk */
	enum reason reason; /* of OP_GONE, with what belongs to it: */
	uint32_t tries_left;
	char detail[MSG_TEXT_BYTES];
};

struct client {
	int fd; /* -1: free */
	bool root;
	bool busy;	/* an op answers it */
	bool monitor;	/* it stays, and hears of every change */
	bool behind;	/* it could not take the last one */
	uint32_t id;	/* of its request */
	int install_fd; /* policy, until its signature comes */
	unsigned uid;
	uint64_t until_boot_ms;
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

/* What `bulkhead net suspend`, `resume` and `release` wait for; roles/decide_power.c. */
enum power_wait { POWER_NOTHING, POWER_ACK, POWER_RECORD };

struct power {
	bool suspended; /* no grants, and the uplinks are down */
	enum power_wait wait;
	int client;
	uint32_t record_id;
	uint64_t until_boot_ms;
};

struct decider {
	struct role role;
	bool met[N_ROLES]; /* peers that were there before */
	struct docs docs;
	/* netlink */
	int rtnl_fd;
	enum link_dump dump;
	bool dumping;
	bool dump_again;
	bool settled_once; /* the first picture is complete: what appears now is new */
	struct link_table links;
	/* network */
	struct classify_rules rules;
	struct uplink uplink[MSG_UPLINKS];
	unsigned n_uplinks;
	struct port port[MSG_PORTS];
	struct decide_plan plan;
	struct msg_dns dns[N_NET_CLASSES]; /* as the supervisor has them, once they were told */
	bool dns_told;
	bool changed; /* something that the grants depend on */
	bool restart_wanted;
	uint64_t restart_boot_ms; /* of the last SUP_NET_RESTART */
	uint32_t pace;		  /* enum beat_pace, as sniff has it */
	uint32_t probe_seq;
	uint64_t min_epoch;    /* the highest epoch of a valid certificate of ours */
	uint64_t stored_epoch; /* of it: what the file has */
	int epoch_fd;
	int64_t asleep_ms; /* CLOCK_BOOTTIME less CLOCK_MONOTONIC */
	struct decide_blocked blocked;
	/* homes */
	struct homes homes;
	struct home_request request;
	/* audit */
	uint32_t next_record_id;
	uint64_t head_seq;
	uint8_t head[32];
	uint64_t anchored_seq;
	uint64_t checkpoint_boot_ms;
	/* the orderly end, roles/decide_stop.c */
	uint64_t stop_boot_ms; /* not later than this; 0: nobody asked */
	uint32_t stop_record_id;
	uint32_t acked_record_id; /* the last that audit answered */
	bool stop_anchored;
	struct power power;
	/* requests */
	int control_fd;
	uint32_t next_op_id;
	struct op op[DECIDE_OPS];
	struct disk disk[MSG_DISKS];
	struct client client[DECIDE_CLIENTS];
	struct msg_ctl_reply published; /* what monitors know, less what only counts time */
};

/* -- decide_record.c: what goes to audit -- */

/* Build a record; texts are copied, cut to fit, and made printable. */
struct msg_audit decide_record(const struct decider *d, enum audit_kind kind,
			       enum audit_phase phase, enum reason reason, const char *subject);
void decide_record_text(char *field, size_t field_bytes, const char *text);

/* Send it with a fresh id. The id, or 0 when there is no audit role that takes it. */
uint32_t decide_record_send(struct decider *d, struct msg_audit *record);

/* An answer of audit is there to be read. */
void decide_record_acked(struct decider *d, uint64_t now);

/* -- decide_docs.c: trust, policy, device, lease -- */

/* Read and check what the supervisor handed over. Without a valid policy all stays closed. */
void decide_docs_load(struct decider *d);

/* A new policy from the command: verify, take into force, store. ret_detail: one line. */
enum reason decide_docs_install(struct decider *d, int policy_fd, int sig_fd,
				char ret_detail[MSG_TEXT_BYTES]);

/* A lease and its signature, for disk `name`, now. */
enum reason decide_docs_lease(const struct decider *d, int lease_fd, int sig_fd, const char *name,
			      struct lease *ret, char ret_detail[MSG_TEXT_BYTES]);

/* Give bytes to the supervisor to be stored as this resource. 0 or negative errno. */
int decide_docs_store(enum sup_resource kind, const char *bytes, size_t len_bytes);

/* Write the serial and the epoch when they are due. */
void decide_docs_tick(struct decider *d, uint64_t now);

const struct policy *decide_docs_policy(const struct decider *d);

/* -- decide_number.c: a number that never goes back, in a file -- */

/* 0, an empty file is 0; -EBADMSG it is no number; else negative errno. */
int decide_number_read(int fd, uint64_t *ret);

/* Write and sync. 0 or negative errno. */
int decide_number_write(int fd, uint64_t value);

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
void decide_homes_add(struct decider *d, const struct uplink *u, const char *name, uint64_t now);

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
void decide_enforce_acked(struct decider *d, uint64_t now);
void decide_enforce_restart(struct decider *d, uint64_t now);

/* The evidence behind an uplink's zone, for records: "LLDP 'sw1'". */
void decide_enforce_evidence(const struct decider *d, const struct uplink *u,
			     char ret[MSG_NAME_BYTES]);

/* -- decide_resolve.c: grants become resolvers -- */
void decide_resolve_claim(struct uplink *u, const struct msg_claim *claim);

/* In every round, after decide_enforce(): tell the supervisor what is different from before. */
void decide_resolve(struct decider *d);

/* -- decide_ops.c: the table of operations -- */
void decide_ops_init(struct decider *d);
struct op *decide_ops_free(struct decider *d); /* NULL: all are taken */
struct op *decide_ops_find(struct decider *d, uint32_t id);
bool decide_ops_busy(const struct decider *d, const char *name);

/* Is there a slot for every unlock under way, the newest included? */
bool decide_ops_room(const struct decider *d);
struct disk *decide_ops_disk(struct decider *d, const char *name); /* "": a free slot; or NULL */

/* The end of an operation: tell the client, record it; more: the rest of the answer, or NULL. */
void decide_ops_end(struct decider *d, struct op *op, enum reason reason,
		    const struct msg_ctl_reply *more);
void decide_ops_end_gone(struct decider *d, struct op *op); /* of OP_GONE */
void decide_ops_end_with(struct decider *d, struct op *op, enum reason reason, const char *detail);
void decide_ops_record(struct decider *d, const struct op *op, enum audit_kind kind,
		       enum audit_phase phase, enum reason reason, const char *detail);

/* Questions about the operation's disk. Descriptors are lent. 0 or negative errno. */
void decide_ops_ask_supervisor(const struct op *op, enum sup_verb verb);
int decide_ops_ask_key(const struct decider *d, const struct op *op, enum key_verb verb,
		       int pin_fd);
int decide_ops_ask_attach(const struct decider *d, const struct op *op, enum attach_verb verb,
			  const struct disk *disk, int socket_fd);

/* Whoever works on this stage is gone: end what waits for it. */
void decide_ops_peer_gone(struct decider *d, enum op_stage stage);
void decide_ops_tick(struct decider *d, uint64_t now);
uint64_t decide_ops_wake(const struct decider *d);

/* -- decide_disks.c: unlock, lock, attach, checkpoint -- */

/* Begin an operation for a client (index; -1: for ourselves). It ends by decide_control_answer().
 * pin_fd is owned by the callee. */
void decide_disks_begin(struct decider *d, enum op_kind kind, const char *name, int client,
			int pin_fd, uint64_t now);
void decide_disks_supervisor(struct decider *d, const struct msg_sup *msg, int fd);
void decide_disks_audited(struct decider *d, uint32_t record_id, int error);
void decide_disks_key(struct decider *d);
void decide_disks_attach(struct decider *d);
void decide_disks_checkpoint(struct decider *d, uint64_t now);

/* -- decide_stop.c: the orderly end -- */

/* From here on nothing is granted; the end is recorded, and then anchored in the TPM. */
void decide_stop_begin(struct decider *d, uint64_t now);

/* In every round: ends the process when all of that is done, or took too long. */
void decide_stop_tick(struct decider *d, uint64_t now);

/* -- decide_power.c: suspend, resume, release -- */
void decide_power_begin(struct decider *d, uint32_t verb, int client, uint64_t now);
void decide_power_resumed(struct decider *d); /* the clocks say that the machine slept */
void decide_power_acked(struct decider *d);   /* by nft */
void decide_power_audited(struct decider *d, uint32_t record_id, int error);
void decide_power_tick(struct decider *d, uint64_t now);
uint64_t decide_power_wake(const struct decider *d);

/* -- decide_control.c: the command's requests -- */
void decide_control_init(struct decider *d);
void decide_control_accept(struct decider *d, uint64_t now);
void decide_control_serve(struct decider *d, int client, uint64_t now);
void decide_control_tick(struct decider *d, uint64_t now);
uint64_t decide_control_wake(const struct decider *d);

/* Answer a client and end the talk; -1 is nobody. reply: id and exit status are filled in. */
void decide_control_answer(struct decider *d, int client, struct msg_ctl_reply *reply);
void decide_control_answer_with(struct decider *d, int client, enum reason reason,
				const char *detail);

/* End the talk with a client; an operation of its goes on and answers nobody. */
void decide_control_hang_up(struct decider *d, int client);

/* -- decide_status.c: what is shown of all this -- */
void decide_status_build(const struct decider *d, uint64_t now, struct msg_ctl_reply *ret);

/* This client wants to hear of every change, from the state of now on. */
void decide_status_monitor(struct decider *d, int client, uint64_t now);

/* Tell the monitors when anything changed since they were last told. */
void decide_status_publish(struct decider *d, uint64_t now);
uint64_t decide_status_wake(const struct decider *d, uint64_t now);

#endif
