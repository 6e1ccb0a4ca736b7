/* Operations under way: the table, their questions to other roles, their ends. */
#include "roles/decide.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/util.h"

void decide_ops_init(struct decider *d)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		d->op[i] = (struct op){ .client = -1, .pin_fd = -1, .lease_fd = -1 };
}

struct msg_disk *decide_ops_disk(struct decider *d, const char *name)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		if (strcmp(d->disk[i].name, name) == 0)
			return &d->disk[i];
	return NULL;
}

struct op *decide_ops_find(struct decider *d, uint32_t id)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind != OP_NONE && d->op[i].id == id)
			return &d->op[i];
	return NULL;
}

bool decide_ops_busy(const struct decider *d, const char *name)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind != OP_NONE && strcmp(d->op[i].name, name) == 0)
			return true;
	return false;
}

/* Every unlock under way may need a slot of its own. */
bool decide_ops_room(const struct decider *d)
{
	unsigned n_free = 0, n_wanted = 0;

	for (unsigned i = 0; i < MSG_DISKS; i++)
		n_free += d->disk[i].name[0] == '\0';
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		n_wanted += d->op[i].kind == OP_UNLOCK;
	return n_wanted <= n_free;
}

static void close_op(struct op *op)
{
	if (op->pin_fd >= 0)
		(void)close(op->pin_fd);
	if (op->lease_fd >= 0)
		(void)close(op->lease_fd);
	*op = (struct op){ .client = -1, .pin_fd = -1, .lease_fd = -1 };
}

void decide_ops_record(struct decider *d, const struct op *op, enum audit_kind kind,
		       enum audit_phase phase, enum reason reason, const char *detail)
{
	struct msg_audit record = decide_record(d, kind, phase, reason, op->name);

	decide_record_text(record.detail, sizeof(record.detail), detail);
	(void)decide_record_send(d, &record); /* said there */
}

/* The end of an operation: tell the client, record what was not allowed. */
void decide_ops_end(struct decider *d, struct op *op, enum reason reason,
		    const struct msg_ctl_reply *more)
{
	struct msg_ctl_reply reply = more ? *more : (struct msg_ctl_reply){ 0 };

	reply.reason = reason;
	if (op->kind == OP_UNLOCK)
		decide_ops_record(d, op, AUDIT_UNLOCK,
				  op->stage == OP_KEY || op->stage == OP_GONE ? AUDIT_OUTCOME
									      : AUDIT_EVENT,
				  reason, reply.detail);
	if (decide_ops_is_change(op))
		decide_ops_record(d, op, AUDIT_LAYERS,
				  op->stage == OP_KEY ? AUDIT_OUTCOME : AUDIT_EVENT, reason,
				  reply.detail);
	if (reason != REASON_OK)
		log_warn(0, "request about '%s': %s%s%s", op->name, reason_text(reason),
			 reply.detail[0] ? ": " : "", reply.detail);
	decide_control_answer(d, op->client, &reply);
	close_op(op);
}

void decide_ops_end_with(struct decider *d, struct op *op, enum reason reason, const char *detail)
{
	struct msg_ctl_reply reply = { 0 };

	decide_record_text(reply.detail, sizeof(reply.detail), detail);
	decide_ops_end(d, op, reason, &reply);
}

static void name_files(const struct msg_lease *lease, struct msg_layer_files *ret)
{
	ret->n = lease->n_parents + 1;
	memcpy(ret->file[0].name, lease->layer, sizeof(ret->file[0].name));
	for (uint32_t i = 1; i < ret->n; i++) {
		memcpy(ret->file[i].name, lease->parent[i - 1].name, sizeof(ret->file[i].name));
		ret->file[i].plain = lease->parent[i - 1].plain;
	}
}

void decide_ops_ask_supervisor(const struct op *op, enum sup_verb verb)
{
	struct msg_sup msg = { .verb = verb, .id = op->id };

	memcpy(msg.name, op->name, sizeof(msg.name));
	if (verb == SUP_DISK_START || verb == SUP_DISK_HEADERS)
		name_files(&op->chain, &msg.files);
	role_send_sup(&msg, -1);
}

/* 0 or negative errno. A fd of -1: no key role is there. */
int decide_ops_ask_key(const struct decider *d, const struct op *op, enum key_verb verb, int pin_fd)
{
	struct msg_key_order order = { .verb = verb, .id = op->id };
	int fd = d->role.peer_fd[ROLE_KEY];

	memcpy(order.disk, op->name, sizeof(order.disk));
	if (verb == KEY_UNLOCK || verb == KEY_SNAPSHOT || verb == KEY_MERGE) {
		order.lease = op->lease.key;
		order.local = op->local;
		order.change = op->change;
	}
	order.seq = d->head_seq;
	memcpy(order.head, d->head, sizeof(order.head));
	return fd < 0 ? -EPIPE : ipc_send(fd, &order, sizeof(order), pin_fd);
}

int decide_ops_ask_attach(const struct decider *d, const struct op *op, enum attach_verb verb,
			  const struct msg_disk *disk, int socket_fd)
{
	struct msg_attach order = { .verb = verb,
				    .id = op->id,
				    .nbd_index = disk->nbd_index,
				    .disk_bytes = disk->disk_bytes };
	int fd = d->role.peer_fd[ROLE_ATTACH];

	memcpy(order.disk, disk->name, sizeof(order.disk));
	return fd < 0 ? -EPIPE : ipc_send(fd, &order, sizeof(order), socket_fd);
}

struct op *decide_ops_free(struct decider *d)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind == OP_NONE)
			return &d->op[i];
	return NULL;
}

void decide_ops_end_gone(struct decider *d, struct op *op)
{
	struct msg_ctl_reply reply = { .tries_left = op->tries_left };

	memcpy(reply.detail, op->detail, sizeof(reply.detail));
	decide_ops_end(d, op, op->reason, &reply);
}

static void time_out(struct decider *d, struct op *op)
{
	if (op->stage ==
	    OP_GONE) { /* what was to be done is done, but for a process that lingers */
		decide_ops_end_gone(d, op);
		return;
	}
	if (op->kind == OP_UNLOCK && op->stage == OP_KEY) {
		(void)decide_ops_ask_key(d, op, KEY_LOCK, -1);
		decide_ops_ask_supervisor(op, SUP_DISK_STOP);
	} else if (decide_ops_is_change(op) && op->stage == OP_KEY) {
		(void)decide_ops_ask_key(d, op, KEY_LOCK, -1);
	}
	decide_ops_end_with(d, op, op->stage == OP_INTENT ? REASON_NET_NO_AUDIT : REASON_INTERNAL,
			    "no answer in time");
}

void decide_ops_peer_gone(struct decider *d, enum op_stage stage)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind != OP_NONE && d->op[i].stage == stage)
			time_out(d, &d->op[i]);
}

void decide_ops_tick(struct decider *d, uint64_t now)
{
	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind != OP_NONE && now >= d->op[i].until_boot_ms)
			time_out(d, &d->op[i]);
}

uint64_t decide_ops_wake(const struct decider *d)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].kind != OP_NONE)
			at = MIN(at, d->op[i].until_boot_ms);
	return at;
}
