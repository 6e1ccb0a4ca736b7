/* Unlock, lock, attach, checkpoint: requests that need another role's answer.
 *
 *	unlock: lease (supervisor) -> intent (audit) -> key + block (key, supervisor) -> outcome
 *	lock:   key wiped and block ended, then the record
 *	attach: socket (supervisor) -> device (attach) */
#include "roles/decide.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "policy/audit.h"
#include "policy/text.h"

static void begin_unlock(struct decider *d, struct op *op)
{
	struct msg_disk *disk = decide_ops_disk(d, op->name);

	if (op->pin_fd < 0)
		decide_ops_end_with(d, op, REASON_REQUEST, "no PIN came with it");
	else if (disk)
		decide_ops_end_with(d, op, REASON_DISK_BUSY,
				    op->kind == OP_UNLOCK ? "it is unlocked already"
							  : "it is unlocked; lock it first");
	else if (!decide_ops_room(d))
		decide_ops_end_with(d, op, REASON_DISK_BUSY, "too many disks are unlocked");
	else
		decide_ops_ask_supervisor(op, SUP_LEASE_OPEN);
}

/* Closing waits for nothing: block ends and the key is wiped, whatever we know of this disk. */
static void begin_lock(struct decider *d, struct op *op)
{
	struct msg_disk *disk = decide_ops_disk(d, op->name);
	int r;

	if (disk && disk->nbd_index != UINT32_MAX) {
		r = decide_ops_ask_attach(d, op, ATTACH_DISCONNECT, disk, -1);
		if (r < 0)
			log_warn(r, "disk '%s': take back /dev/nbd%u", op->name, disk->nbd_index);
	}
	decide_ops_ask_supervisor(op, SUP_DISK_STOP);
	op->stage = OP_KEY;
	r = decide_ops_ask_key(d, op, KEY_LOCK, -1);
	if (disk)
		*disk = (struct msg_disk){ .nbd_index = UINT32_MAX };
	if (r < 0)
		decide_ops_end_with(d, op, REASON_INTERNAL, "the key role does not answer");
}

static void begin_attach(struct decider *d, struct op *op)
{
	struct msg_disk *disk = decide_ops_disk(d, op->name);
	struct msg_ctl_reply reply = { 0 };

	if (!disk) {
		decide_ops_end_with(d, op, REASON_DISK_LOCKED, "");
	} else if (disk->nbd_index != UINT32_MAX) { /* asked again: the same answer */
		reply.nbd_index = disk->nbd_index;
		decide_ops_end(d, op, REASON_OK, &reply);
	} else {
		op->stage = OP_SOCKET;
		decide_ops_ask_supervisor(op, SUP_DISK_CONNECT);
	}
}

static void begin_detach(struct decider *d, struct op *op)
{
	struct msg_disk *disk = decide_ops_disk(d, op->name);

	op->stage = OP_DEVICE;
	if (!disk || disk->nbd_index == UINT32_MAX)
		decide_ops_end_with(d, op, REASON_OK, "it is not attached");
	else if (decide_ops_ask_attach(d, op, ATTACH_DISCONNECT, disk, -1) < 0)
		decide_ops_end_with(d, op, REASON_INTERNAL, "the attach role does not answer");
}

static void begin_anchor(struct decider *d, struct op *op)
{
	enum key_verb verb = op->kind == OP_ANCHOR ? KEY_ANCHOR : KEY_CHECKPOINT;

	op->stage = OP_KEY;
	op->seq = d->head_seq;
	if (verb == KEY_CHECKPOINT && d->head_seq == 0)
		decide_ops_end_with(d, op, REASON_REQUEST,
				    "no record has been written since the start");
	else if (decide_ops_ask_key(d, op, verb, -1) < 0)
		decide_ops_end_with(d, op, REASON_INTERNAL, "the key role does not answer");
}

static void begin(struct decider *d, struct op *op)
{
	switch (op->kind) {
	case OP_UNLOCK:
	case OP_SNAPSHOT:
	case OP_MERGE:
		begin_unlock(d, op);
		break;
	case OP_LOCK:
		begin_lock(d, op);
		break;
	case OP_ATTACH:
		begin_attach(d, op);
		break;
	case OP_DETACH:
		begin_detach(d, op);
		break;
	case OP_CHECKPOINT:
	case OP_ANCHOR:
		begin_anchor(d, op);
		break;
	case OP_NONE:
		break;
	}
}

void decide_disks_begin(struct decider *d, enum op_kind kind, const char *name, int client,
			int pin_fd, const struct msg_change *change, uint64_t now)
{
	bool about_disk = kind != OP_CHECKPOINT && kind != OP_ANCHOR;
	struct msg_ctl_reply reply = { 0 };
	struct op *op = decide_ops_free(d);

	if (about_disk && !text_name_ok(name))
		reply.reason = REASON_REQUEST;
	else if (!op || (about_disk && decide_ops_busy(d, name)))
		reply.reason = REASON_DISK_BUSY;
	if (reply.reason != REASON_OK) {
		if (pin_fd >= 0)
			(void)close(pin_fd);
		decide_control_answer(d, client, &reply);
		return;
	}
	*op = (struct op){ .kind = kind,
			   .stage = OP_LEASE,
			   .client = client,
			   .pin_fd = pin_fd,
			   .lease_fd = -1,
			   .until_boot_ms = now + DECIDE_OP_MS };
	if (++d->next_op_id == 0)
		d->next_op_id = 1;
	op->id = d->next_op_id;
	if (about_disk)
		memcpy(op->name, name, strlen(name));
	if (change)
		op->change = *change;
	begin(d, op);
}

/* The lease is there: may this disk be unlocked now? If so, the intent goes to audit first. */
static void check_lease(struct decider *d, struct op *op, int sig_fd)
{
	struct msg_ctl_reply reply = { 0 };
	struct msg_audit record;
	enum reason reason =
		decide_docs_lease(d, op->lease_fd, sig_fd, op->name, &op->lease, reply.detail);

	if (reason == REASON_OK)
		reason = decide_layers_chain(op, reply.detail);
	if (reason != REASON_OK) {
		decide_ops_end(d, op, reason, &reply);
		return;
	}
	record = decide_layers_intent(d, op);
	decide_record_text(record.detail, sizeof(record.detail), op->lease.id);
	op->stage = OP_INTENT;
	op->record_id = decide_record_send(d, &record);
	if (op->record_id == 0)
		decide_ops_end_with(d, op, REASON_NET_NO_AUDIT, "");
}

static void take_socket(struct decider *d, struct op *op, int socket_fd)
{
	struct msg_disk *disk = decide_ops_disk(d, op->name);

	op->stage = OP_DEVICE;
	if (!disk)
		decide_ops_end_with(d, op, REASON_DISK_LOCKED, "");
	else if (decide_ops_ask_attach(d, op, ATTACH_CONNECT, disk, socket_fd) < 0)
		decide_ops_end_with(d, op, REASON_INTERNAL, "the attach role does not answer");
}

/* A disk without a lease is none; one without a file of it is not what was leased. */
static enum reason failed_by(const struct op *op, int error)
{
	if (error == -ENOENT || error == -ELOOP)
		return op->stage == OP_KEY ? REASON_IMAGE : REASON_DISK_UNKNOWN;
	return error == -EWOULDBLOCK || error == -EBUSY ? REASON_DISK_BUSY : REASON_INTERNAL;
}

/* The supervisor could not do what we asked. */
static void take_failure(struct decider *d, struct op *op, const struct msg_sup *msg)
{
	int error = msg->error < 0 ? msg->error : -EIO;
	char detail[MSG_TEXT_BYTES];

	if (op->stage == OP_KEY)
		decide_layers_not_opened(msg->file, error, detail);
	else
		(void)snprintf(detail, sizeof(detail), "%s: %s",
			       op->stage == OP_LEASE ? "open its lease"
						     : "connect to its block process",
			       strerror(-error));
	if ((op->kind == OP_UNLOCK || decide_ops_is_change(op)) && op->stage == OP_KEY)
		(void)decide_ops_ask_key(d, op, KEY_LOCK,
					 -1); /* it waits for a header that does not come */
	decide_ops_end_with(d, op, failed_by(op, error), detail);
}

/* Nobody serves this disk any more: whoever waited for that gets the answer. */
static void disk_gone(struct decider *d, const char *name)
{
	struct msg_disk *disk = name[0] ? decide_ops_disk(d, name) : NULL;
	struct op nobody = { .id = 0 };
	bool asked = false;

	if (disk)
		*disk = (struct msg_disk){ .nbd_index = UINT32_MAX };
	for (unsigned i = 0; i < DECIDE_OPS; i++) {
		struct op *op = &d->op[i];

		if (op->kind == OP_NONE || strcmp(op->name, name) != 0)
			continue;
		op->gone = true;
		asked = true;
		if (op->stage == OP_GONE)
			decide_ops_end_gone(d, op);
	}
	if (asked)
		return;
	memcpy(nobody.name, name, sizeof(nobody.name)); /* our predecessor unlocked it, half-way */
	(void)decide_ops_ask_key(d, &nobody, KEY_LOCK, -1);
}

/* The answer to a lock, or to an unlock that was refused, waits until the disk's block has ended:
 * the image is then free for what the user does next. */
static void end_when_gone(struct decider *d, struct op *op, const struct msg_key_reply *key)
{
	op->stage = OP_GONE;
	op->reason = (enum reason)key->reason;
	op->tries_left = key->tries_left;
	memcpy(op->detail, key->detail, sizeof(op->detail));
	if (op->gone)
		decide_ops_end_gone(d, op);
}

void decide_disks_supervisor(struct decider *d, const struct msg_sup *msg, int fd)
{
	OWNS_FD int given = fd;
	struct op *op = decide_ops_find(d, msg->id);

	if (msg->verb == SUP_DISK_GONE) {
		disk_gone(d, msg->name);
		return;
	}
	if (!op)
		return; /* it took too long, and was answered */
	if (msg->verb == SUP_FAILED)
		take_failure(d, op, msg);
	else if (given < 0)
		die("the supervisor sent a resource without a descriptor");
	else if (msg->what == SUP_RES_LEASE && op->stage == OP_LEASE && op->lease_fd < 0)
		op->lease_fd = take_fd(&given);
	else if (msg->what == SUP_RES_LAYERS && op->stage == OP_LEASE && op->lease_fd >= 0)
		(void)decide_layers_take(d, op, given);
	else if (msg->what == SUP_RES_LEASE_SIG && op->stage == OP_LEASE && op->lease_fd >= 0)
		check_lease(d, op, given);
	else if (msg->what == SUP_RES_DISK_SOCKET && op->stage == OP_SOCKET)
		take_socket(d, op, given);
}

/* The intent of an unlock is on disk, or it is not. */
void decide_disks_audited(struct decider *d, uint32_t record_id, int error)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++) {
		struct op *op = &d->op[i];

		if (op->kind == OP_NONE || op->stage != OP_INTENT || op->record_id != record_id)
			continue;
		if (error) {
			decide_ops_end_with(d, op, REASON_NET_NO_AUDIT, strerror(-error));
			return;
		}
		op->stage = OP_KEY;
		if (decide_ops_ask_key(d, op, decide_layers_verb(op), op->pin_fd) < 0)
			decide_ops_end_with(d, op, REASON_INTERNAL, "the key role does not answer");
		else
			decide_ops_ask_supervisor(op, op->kind == OP_UNLOCK ? SUP_DISK_START
									    : SUP_DISK_HEADERS);
		return;
	}
}

static void end_unlock(struct decider *d, struct op *op, const struct msg_key_reply *key)
{
	struct msg_ctl_reply reply = { .tries_left = key->tries_left };
	struct msg_disk *disk = decide_ops_disk(d, "");

	memcpy(reply.detail, key->detail, sizeof(reply.detail));
	if (key->reason == REASON_OK && disk) {
		memcpy(disk->name, op->name, sizeof(disk->name));
		disk->disk_bytes = op->lease.key.disk_bytes;
		disk->not_after_wall_s = op->lease.not_after_wall_s;
		disk->nbd_index = UINT32_MAX;
		(void)snprintf(disk->leaf, sizeof(disk->leaf), "%.63s", key->detail);
		decide_held_tell(disk);
	} else {
		decide_ops_ask_supervisor(op, SUP_DISK_STOP);
		end_when_gone(d, op, key);
		return;
	}
	decide_ops_end(d, op, (enum reason)key->reason, &reply);
}

/* What the TPM holds now; after a checkpoint the log says so, too. */
static void end_anchor(struct decider *d, struct op *op, const struct msg_key_reply *key)
{
	struct msg_ctl_reply reply = { .counter = key->counter };
	struct msg_audit record;

	memcpy(reply.extended, key->extended, sizeof(reply.extended));
	memcpy(reply.detail, key->detail, sizeof(reply.detail));
	if (key->reason == REASON_OK && op->kind == OP_CHECKPOINT) {
		audit_checkpoint_record(op->seq, key->counter, key->extended, &record);
		record.policy_serial = d->docs.has_policy ? d->docs.policy.serial : 0;
		(void)decide_record_send(d, &record); /* said there */
		d->anchored_seq = op->seq + 1;	      /* the record itself needs no other */
	}
	decide_ops_end(d, op, (enum reason)key->reason, &reply);
}

void decide_disks_key(struct decider *d)
{
	struct msg_key_reply key;
	struct op *op;
	int r = ipc_recv(d->role.peer_fd[ROLE_KEY], &key, sizeof(key), NULL);

	if (r == -EAGAIN)
		return;
	if (r == -EPIPE) { /* its successor comes by way of the supervisor, and knows no disk */
		(void)close(take_fd(&d->role.peer_fd[ROLE_KEY]));
		decide_ops_peer_gone(d, OP_KEY);
		return;
	}
	if (r < 0 || !reason_known(key.reason) || !msg_text_ok(key.detail, sizeof(key.detail)))
		die("key broke its contract");
	op = decide_ops_find(d, key.id);
	if (!op || op->stage != OP_KEY)
		return; /* answered before, when it took too long */
	if (op->kind == OP_UNLOCK) {
		end_unlock(d, op, &key);
	} else if (op->kind == OP_LOCK) {
		decide_ops_record(d, op, AUDIT_LOCK, AUDIT_EVENT, (enum reason)key.reason,
				  key.detail);
		end_when_gone(d, op, &key);
	} else if (decide_ops_is_change(op)) {
		decide_layers_end(d, op, &key);
	} else {
		end_anchor(d, op, &key);
	}
}

void decide_disks_attach(struct decider *d)
{
	struct msg_ctl_reply reply = { 0 };
	struct msg_attach_reply r;
	struct msg_disk *disk;
	struct op *op;
	int n = ipc_recv(d->role.peer_fd[ROLE_ATTACH], &r, sizeof(r), NULL);

	if (n == -EAGAIN)
		return;
	if (n == -EPIPE) { /* its successor comes by way of the supervisor */
		(void)close(take_fd(&d->role.peer_fd[ROLE_ATTACH]));
		decide_ops_peer_gone(d, OP_DEVICE);
		return;
	}
	if (n < 0 || r.error > 0)
		die("attach broke its contract");
	op = decide_ops_find(d, r.id);
	disk = op ? decide_ops_disk(d, op->name) : NULL;
	if (!op || op->stage != OP_DEVICE)
		return; /* a lock took its device away, or it was answered before */
	if (disk && r.error == 0) {
		disk->nbd_index = op->kind == OP_ATTACH ? r.nbd_index : UINT32_MAX;
		decide_held_tell(disk);
	}
	reply.nbd_index = r.nbd_index;
	if (r.error)
		decide_record_text(reply.detail, sizeof(reply.detail), strerror(-r.error));
	decide_ops_end(d, op, r.error ? REASON_INTERNAL : REASON_OK, &reply);
}

/* The head of the log into the TPM, when policy says so and there is something new. */
void decide_disks_checkpoint(struct decider *d, uint64_t now)
{
	const struct policy *policy = decide_docs_policy(d);

	if (!policy || policy->checkpoint_every_s == 0 || d->head_seq <= d->anchored_seq ||
	    now < d->checkpoint_boot_ms)
		return;
	d->checkpoint_boot_ms = now + (uint64_t)policy->checkpoint_every_s * 1000;
	decide_disks_begin(d, OP_CHECKPOINT, "", -1, -1, NULL, now);
}
