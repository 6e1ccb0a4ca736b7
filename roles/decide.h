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
#include "netguard/link_table.h"
#include "policy/decide.h"
#include "policy/document.h"
#include "policy/lease.h"
#include "policy/policy_doc.h"
#include "policy/trust.h"
#include "roles/decide_blocked.h"
#include "roles/decide_net.h"
#include "roles/decide_plan.h"
#include "roles/role.h"

enum {
	DECIDE_CLIENTS = 16,
	DECIDE_CLIENTS_OTHERS = 12, /* of them for callers that are not root */
	DECIDE_MONITORS_OTHERS = 4, /* and of those that stay */
	DECIDE_CLIENT_MS = 5000,    /* to say something */
	DECIDE_OPS = 16,
	DECIDE_OP_MS = 165000, /* key gives up after 30 s, or 150 s with a large image */
	DECIDE_TAMPERS = 8,
	DECIDE_SERIAL_MS = 2000, /* the supervisor has stored the policy by then */
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

enum op_kind {
	OP_NONE,
	OP_UNLOCK,
	OP_LOCK,
	OP_ATTACH,
	OP_DETACH,
	OP_CHECKPOINT,
	OP_ANCHOR,
	OP_SNAPSHOT,
	OP_MERGE
};
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
	struct msg_local local;	  /* the record of its local layers, as it lies there */
	struct msg_lease chain;	  /* both together: what is opened */
	struct msg_change change; /* of OP_SNAPSHOT */
	uint64_t seq;		  /* of the line that is anchored */
	bool gone;		  /* the supervisor said that nobody serves the disk */
	enum reason reason;	  /* of OP_GONE, with what belongs to it: */
	uint32_t tries_left;
	char detail[MSG_TEXT_BYTES];
};

/* A finding of nft whose record is on its way to the log; record_id 0: free. */
struct tamper {
	uint32_t id; /* as the supervisor told it */
	uint32_t record_id;
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
	struct msg_audit work; /* answered when this is in the audit log; id 0: none */
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
	struct msg_disk disk[MSG_DISKS];
	struct client client[DECIDE_CLIENTS];
	struct tamper tamper[DECIDE_TAMPERS];
	uint32_t last_tamper_id; /* of those that were told */
	uint64_t alarm_boot_ms;	 /* of the last record of tampering; 0: none */
	uint32_t n_alarms;
	char alarm[MSG_TEXT_BYTES];
	struct msg_ctl_reply published; /* what monitors know, less what only counts time */
};

/* -- decide_record.c: what goes to audit -- */

/* Build a record; texts are copied, cut to fit, and made printable. */
struct msg_audit decide_record(const struct decider *d, enum audit_kind kind,
			       enum audit_phase phase, enum reason reason, const char *subject);
void decide_record_text(char *field, size_t field_bytes, const char *text);

/* Send it with a fresh id. The id, or 0 when there is no audit role that takes it. */
uint32_t decide_record_send(struct decider *d, struct msg_audit *record);

/* Somebody changed what is ours: status says so from now on. Beside the record. */
void decide_record_alarm(struct decider *d, const struct msg_audit *record);

/* An answer of audit is there to be read. */
void decide_record_acked(struct decider *d, uint64_t now);

/* -- decide_tamper.c: what nft found changed by others, told by the supervisor until it is recorded -- */
void decide_tamper_told(struct decider *d, const struct msg_sup *msg);

/* Audit answered about a record. True: it was of a finding. */
bool decide_tamper_audited(struct decider *d, uint32_t record_id, int error);

/* audit was replaced: what it had not answered is told, and recorded, again. */
void decide_tamper_forget(struct decider *d);

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

/* -- decide_ops.c: the table of operations -- */
void decide_ops_init(struct decider *d);
struct op *decide_ops_free(struct decider *d); /* NULL: all are taken */
struct op *decide_ops_find(struct decider *d, uint32_t id);
bool decide_ops_busy(const struct decider *d, const char *name);

/* Is there a slot for every unlock under way, the newest included? */
bool decide_ops_room(const struct decider *d);
struct msg_disk *decide_ops_disk(struct decider *d,
				 const char *name); /* "": a free slot; or NULL */

/* The end of an operation: tell the client, record it; more: the rest of the answer, or NULL. */
void decide_ops_end(struct decider *d, struct op *op, enum reason reason,
		    const struct msg_ctl_reply *more);
void decide_ops_end_gone(struct decider *d, struct op *op); /* of OP_GONE */
void decide_ops_end_with(struct decider *d, struct op *op, enum reason reason, const char *detail);
void decide_ops_record(struct decider *d, const struct op *op, enum audit_kind kind,
		       enum audit_phase phase, enum reason reason, const char *detail);

/* A snapshot or a merge: it unlocks for a moment, and serves nothing. */
static inline bool decide_ops_is_change(const struct op *op)
{
	return op->kind == OP_SNAPSHOT || op->kind == OP_MERGE;
}

/* Questions about the operation's disk. Descriptors are lent. 0 or negative errno. */
void decide_ops_ask_supervisor(const struct op *op, enum sup_verb verb);
int decide_ops_ask_key(const struct decider *d, const struct op *op, enum key_verb verb,
		       int pin_fd);
int decide_ops_ask_attach(const struct decider *d, const struct op *op, enum attach_verb verb,
			  const struct msg_disk *disk, int socket_fd);

/* Whoever works on this stage is gone: end what waits for it. */
void decide_ops_peer_gone(struct decider *d, enum op_stage stage);
void decide_ops_tick(struct decider *d, uint64_t now);
uint64_t decide_ops_wake(const struct decider *d);

/* -- decide_layers.c: the record of local layers -- */

/* layers.local came; 0, or it is none and the operation has ended. */
int decide_layers_take(struct decider *d, struct op *op, int fd);

/* Lease and record make op->chain. */
enum reason decide_layers_chain(struct op *op, char ret_detail[MSG_TEXT_BYTES]);

/* What key is asked, what audit hears before, and the answer of a change. */
enum key_verb decide_layers_verb(const struct op *op);
struct msg_audit decide_layers_intent(const struct decider *d, const struct op *op);
void decide_layers_end(struct decider *d, struct op *op, const struct msg_key_reply *key);

/* What to say when the supervisor could not open the disk's file ("": none of them). */
void decide_layers_not_opened(const char *file, int error, char ret_detail[MSG_TEXT_BYTES]);

/* The command wants a change: check what it says. Takes *pin_fd. */
void decide_layers_begin(struct decider *d, int client, const struct msg_ctl *m, int *pin_fd,
			 uint64_t now);

/* -- decide_held.c -- */

/* At the start: the disks that our predecessor had unlocked. */
void decide_held_begin(struct decider *d);

/* Say what is known of an unlocked disk, before anybody is answered about it: what a person was told, a
 * successor of ours knows. */
void decide_held_tell(const struct msg_disk *disk);

/* -- decide_disks.c: unlock, lock, attach, checkpoint -- */

/* Begin an operation for a client (index; -1: for ourselves). It ends by decide_control_answer().
 * pin_fd is owned by the callee. change: of a snapshot, else NULL. */
void decide_disks_begin(struct decider *d, enum op_kind kind, const char *name, int client,
			int pin_fd, const struct msg_change *change, uint64_t now);
void decide_disks_supervisor(struct decider *d, const struct msg_sup *msg, int fd);
void decide_disks_audited(struct decider *d, uint32_t record_id, int error);
void decide_disks_key(struct decider *d);
void decide_disks_attach(struct decider *d);
void decide_disks_checkpoint(struct decider *d, uint64_t now);

/* -- decide_stop.c: the orderly end -- */

/* From here on nothing is granted; the end is recorded, and then anchored in the TPM. */
void decide_stop_begin(struct decider *d, uint64_t now);

/* In every round: ends the process when all of that is done, or took too long. Exit status 0: nft has
 * said that all is closed. */
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

/* -- decide_work.c: what the command does with a disk by a recovery key -- */
void decide_work_begin(struct decider *d, int client, const struct msg_ctl *m, uint64_t now);
bool decide_work_audited(struct decider *d, uint32_t record_id, int error);
void decide_work_tick(struct decider *d, uint64_t now);
uint64_t decide_work_wake(const struct decider *d);

/* -- decide_status.c: what is shown of all this -- */
void decide_status_build(const struct decider *d, uint64_t now, struct msg_ctl_reply *ret);

/* This client wants to hear of every change, from the state of now on. */
void decide_status_monitor(struct decider *d, int client, uint64_t now);

/* Tell the monitors when anything changed since they were last told. */
void decide_status_publish(struct decider *d, uint64_t now);
uint64_t decide_status_wake(const struct decider *d, uint64_t now);

#endif
