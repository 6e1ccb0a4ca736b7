/* The command's requests. Whoever asks, asks once: an answer ends the talk, but for monitors. */
#include "roles/decide.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"
#include "roles/decide_portal.h"

void decide_control_init(struct decider *d)
{
	for (unsigned i = 0; i < DECIDE_CLIENTS; i++)
		d->client[i] = (struct client){ .fd = -1, .install_fd = -1 };
}

/* An operation under way answers nobody: not the next one in this slot. */
void decide_control_hang_up(struct decider *d, int client)
{
	struct client *c = &d->client[client];

	for (unsigned i = 0; i < DECIDE_OPS; i++)
		if (d->op[i].client == client)
			d->op[i].client = -1;
	decide_consent_hung_up(d, client);
	if (d->power.client == client)
		d->power.client = -1;
	if (c->fd >= 0)
		(void)close(c->fd);
	if (c->install_fd >= 0)
		(void)close(c->install_fd);
	*c = (struct client){ .fd = -1, .install_fd = -1 };
}

void decide_control_answer(struct decider *d, int client, struct msg_ctl_reply *reply)
{
	struct client *c;

	if (client < 0)
		return;
	c = &d->client[client];
	if (c->fd < 0)
		return; /* it did not wait */
	reply->id = c->id;
	reply->exit_status = (uint32_t)reason_exit_status((enum reason)reply->reason);
	(void)ipc_send(c->fd, reply, sizeof(*reply), -1); /* it may have gone */
	decide_control_hang_up(d, client);
}

void decide_control_answer_with(struct decider *d, int client, enum reason reason,
				const char *detail)
{
	struct msg_ctl_reply reply = { .reason = reason };

	decide_record_text(reply.detail, sizeof(reply.detail), detail);
	decide_control_answer(d, client, &reply);
}

/* UINT_MAX, who may nothing, when it cannot be told. */
static unsigned uid_of(int fd)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) == 0 ? cred.uid : UINT_MAX;
}

void decide_control_accept(struct decider *d, uint64_t now)
{
	OWNS_FD int fd = accept4(d->control_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *slot = NULL;
	unsigned n_others = 0;
	unsigned uid;
	bool root;

	if (fd < 0)
		return; /* it went away, or there are too many: it may ask again */
	uid = uid_of(fd);
	root = uid == 0;
	for (unsigned i = 0; i < DECIDE_CLIENTS; i++) {
		if (d->client[i].fd < 0)
			slot = &d->client[i];
		else if (!d->client[i].root)
			n_others++;
	}
	/* so that nobody can keep root from asking */
	if (!slot || (!root && n_others >= DECIDE_CLIENTS_OTHERS))
		return;
	*slot = (struct client){ .fd = take_fd(&fd),
				 .root = root,
				 .uid = uid,
				 .install_fd = -1,
				 .until_boot_ms = now + DECIDE_CLIENT_MS };
}

static void answer_status(struct decider *d, int client, uint64_t now)
{
	struct msg_ctl_reply r;

	decide_status_build(d, now, &r);
	decide_control_answer(d, client, &r);
}

/* Both halves are there: the last good policy stays unless this one is better. */
static void install(struct decider *d, int client, int sig_fd, uint64_t now)
{
	struct msg_ctl_reply reply = { 0 };
	struct msg_audit record;
	uint64_t before = d->docs.has_policy ? d->docs.policy.serial : 0;

	reply.reason = decide_docs_install(d, d->client[client].install_fd, sig_fd, reply.detail);
	record = decide_record(d, AUDIT_POLICY, AUDIT_EVENT, (enum reason)reply.reason, "policy");
	(void)snprintf(record.from, sizeof(record.from), "serial %llu", (unsigned long long)before);
	(void)snprintf(record.to, sizeof(record.to), "serial %llu",
		       (unsigned long long)record.policy_serial);
	memcpy(record.detail, reply.detail, sizeof(record.detail));
	if (reply.reason == REASON_OK)
		decide_uplinks_rules(d, now);
	else
		log_warn(0, "policy refused: %s%s%s", reason_text((enum reason)reply.reason),
			 reply.detail[0] ? ": " : "", reply.detail);
	decide_enforce(d, now);		      /* a tighter one first closes */
	(void)decide_record_send(d, &record); /* said there */
	reply.policy_serial = record.policy_serial;
	decide_control_answer(d, client, &reply);
}

static void refuse(struct decider *d, int client, enum reason reason)
{
	struct msg_ctl_reply reply = { .reason = reason };

	decide_control_answer(d, client, &reply);
}

static void serve_root(struct decider *d, int client, const struct msg_ctl *m, int *fd,
		       uint64_t now)
{
	static const enum op_kind kinds[N_CTL_VERBS] = {
		[CTL_UNLOCK] = OP_UNLOCK,	  [CTL_LOCK] = OP_LOCK,
		[CTL_ATTACH] = OP_ATTACH,	  [CTL_DETACH] = OP_DETACH,
		[CTL_CHECKPOINT] = OP_CHECKPOINT, [CTL_ANCHOR] = OP_ANCHOR,
	};
	struct client *c = &d->client[client];

	if (kinds[m->verb] != OP_NONE) {
		c->busy = true;
		decide_disks_begin(d, kinds[m->verb], m->name, client,
				   m->verb == CTL_UNLOCK ? take_fd(fd) : -1, NULL, now);
	} else if (m->verb == CTL_SNAPSHOT || m->verb == CTL_MERGE) {
		c->busy = true;
		decide_layers_begin(d, client, m, fd, now);
	} else if (m->verb == CTL_NET_SUSPEND || m->verb == CTL_NET_RESUME ||
		   m->verb == CTL_NET_RELEASE) {
		c->busy = true;
		decide_power_begin(d, m->verb, client, now);
	} else if (m->verb == CTL_POLICY_INSTALL && *fd >= 0 && c->install_fd < 0) {
		c->install_fd = take_fd(fd); /* its signature comes next */
	} else if (m->verb == CTL_POLICY_SIGNATURE && *fd >= 0 && c->install_fd >= 0) {
		install(d, client, *fd, now);
	} else if (m->verb == CTL_DISK_WORK) {
		decide_work_begin(d, client, m, now);
	} else if (m->verb == CTL_PORTAL) {
		decide_portal_begin(d, client, m->uplink, now);
	} else if (m->verb == CTL_PORTAL_END) {
		decide_portal_end(d, client, now);
	} else {
		refuse(d, client, REASON_REQUEST);
	}
}

void decide_control_serve(struct decider *d, int client, uint64_t now)
{
	struct client *c = &d->client[client];
	OWNS_FD int fd = -1;
	struct msg_ctl m;
	int r = ipc_recv(c->fd, &m, sizeof(m), &fd);

	if (r == -EAGAIN)
		return;
	if (r < 0 || c->busy || m.verb == 0 || m.verb >= N_CTL_VERBS ||
	    !msg_text_ok(m.name, sizeof(m.name)) || !msg_text_ok(m.uplink, sizeof(m.uplink)) ||
	    !msg_text_ok(m.detail, sizeof(m.detail)) ||
	    !msg_text_ok(m.change.layer, sizeof(m.change.layer))) {
		decide_control_hang_up(d, client);
		return;
	}
	c->id = m.id;
	if (m.verb == CTL_STATUS)
		answer_status(d, client, now);
	else if (m.verb == CTL_MONITOR)
		decide_status_monitor(d, client, now);
	else if (m.verb >= CTL_HOME_ENROL && m.verb <= CTL_NET_ALLOW)
		decide_consent_serve(d, client, &m, now); /* policy says who may */
	else if (!c->root)
		refuse(d, client, REASON_NOT_ROOT);
	else
		serve_root(d, client, &m, &fd, now);
}

void decide_control_tick(struct decider *d, uint64_t now)
{
	for (int i = 0; i < DECIDE_CLIENTS; i++)
		if (d->client[i].fd >= 0 && !d->client[i].busy && now >= d->client[i].until_boot_ms)
			decide_control_hang_up(d, i);
}

uint64_t decide_control_wake(const struct decider *d)
{
	uint64_t at = UINT64_MAX;

	for (unsigned i = 0; i < DECIDE_CLIENTS; i++)
		if (d->client[i].fd >= 0 && !d->client[i].busy)
			at = MIN(at, d->client[i].until_boot_ms);
	return at;
}
