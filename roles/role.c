#include "roles/role.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"

/* Offsets in column 3 of roles.tsv; tests/arch compares the two. */
static const unsigned uid_offset[N_ROLES] = {
	[ROLE_SENTINEL] = 1,	  [ROLE_SNIFF] = 2,	[ROLE_DECIDE] = 3,	[ROLE_NFT] = 4,
	[ROLE_PROVE] = 5,	  [ROLE_KEY] = 6,	[ROLE_BLOCK] = 7,	[ROLE_ATTACH] = 8,
	[ROLE_AUDIT] = 9,	  [ROLE_XEN] = 10,	[ROLE_SUPPLICANT] = 14, [ROLE_PORTS] = 11,
	[ROLE_DNS_PERSONAL] = 12, [ROLE_DNS_WORK] = 13,
};

unsigned role_uid_of(const struct msg_config *config, enum role_id id)
{
	if (id >= N_ROLES || uid_offset[id] == 0)
		abort(); /* the supervisor and dhcpcd have no uid of ours */
	return config->uid_base + uid_offset[id];
}

unsigned role_uid(const struct role *role)
{
	return role_uid_of(&role->config, role->id);
}

static void set_peer(struct role *role, uint32_t peer, int fd)
{
	if (peer >= N_ROLES || fd < 0)
		die("role: the supervisor sent an impossible peer %u", (unsigned)peer);
	if (role->peer_fd[peer] >= 0)
		(void)close(role->peer_fd[peer]);
	role->peer_fd[peer] = fd;
}

static void keep_resource(struct role *role, const struct msg_sup *msg, int fd)
{
	struct role_resource *r = &role->resource[role->n_resources];

	if (role->n_resources == ARRAY_LEN(role->resource) || fd < 0 || msg->what == 0 ||
	    msg->what >= N_SUP_RESOURCES || !msg_text_ok(msg->name, sizeof(msg->name)))
		die("role: the supervisor sent an impossible resource %u", (unsigned)msg->what);
	*r = (struct role_resource){ .fd = fd, .kind = msg->what, .id = msg->id };
	r->layer = msg->what == SUP_RES_DISK_HEADER ? msg->layer : 0;
	memcpy(r->name, msg->name, sizeof(r->name));
	role->n_resources++;
}

/* One message that must be there: a broken supervisor ends the role. */
static void recv_or_die(struct msg_sup *msg, int *fd)
{
	int r = ipc_recv(ROLE_SUP_FD, msg, sizeof(*msg), fd);

	if (r == -EPIPE)
		die("role: the supervisor is gone");
	if (r < 0 || msg->verb == 0 || msg->verb >= N_SUP_VERBS) {
		errno = r < 0 ? -r : EPROTO;
		die("role: message from the supervisor: %m");
	}
}

void role_begin(struct role *role, enum role_id id)
{
	struct msg_sup msg;
	int fd;

	memset(role, 0, sizeof(*role));
	role->id = id;
	for (size_t i = 0; i < ARRAY_LEN(role->peer_fd); i++)
		role->peer_fd[i] = -1;

	recv_or_die(&msg, &fd);
	if (msg.verb != SUP_START || fd >= 0)
		die("role: the supervisor began with verb %u", (unsigned)msg.verb);
	role->config = msg.config;

	for (;;) {
		recv_or_die(&msg, &fd);
		if (msg.verb == SUP_GO && fd < 0)
			return;
		if (msg.verb == SUP_PEER)
			set_peer(role, msg.what, fd);
		else if (msg.verb == SUP_RESOURCE)
			keep_resource(role, &msg, fd);
		else if (msg.verb == SUP_DISK_HELD && fd < 0 && role->n_held < MSG_DISKS)
			role->held[role->n_held++] = msg.disk;
		else
			die("role: verb %u before SUP_GO", (unsigned)msg.verb);
	}
}

int role_resource_take_named(struct role *role, enum sup_resource kind,
			     char ret_name[MSG_NAME_BYTES])
{
	for (unsigned i = 0; i < role->n_resources; i++) {
		struct role_resource *r = &role->resource[i];

		if (r->kind != (uint32_t)kind || r->fd < 0)
			continue;
		if (ret_name)
			memcpy(ret_name, r->name, MSG_NAME_BYTES);
		return take_fd(&r->fd);
	}
	return -1;
}

int role_resource_take(struct role *role, enum sup_resource kind)
{
	return role_resource_take_named(role, kind, NULL);
}

void role_recv_sup(struct role *role, struct msg_sup *ret, int *ret_fd)
{
	recv_or_die(ret, ret_fd);
	if (ret->verb != SUP_PEER)
		return;
	set_peer(role, ret->what, take_fd(ret_fd));
}

void role_send_sup(const struct msg_sup *msg, int pass_fd)
{
	int r = ipc_send(ROLE_SUP_FD, msg, sizeof(*msg), pass_fd);

	if (r < 0) {
		errno = -r;
		die("role: message to the supervisor: %m");
	}
}

_Noreturn void role_answer_decide(struct role *role, void (*serve)(struct role *role, void *own),
				  void *own)
{
	struct msg_sup sup;
	struct loop loop;
	int fd, r;

	for (;;) {
		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, role->peer_fd[ROLE_DECIDE]);
		r = loop_wait(&loop);
		if (r == -EINTR)
			continue;
		if (r < 0)
			die("wait: error %d", -r);
		if (loop_ready(&loop, role->peer_fd[ROLE_DECIDE]))
			serve(role, own);
		if (!loop_ready(&loop, ROLE_SUP_FD))
			continue;
		role_recv_sup(role, &sup, &fd);
		if (sup.verb != SUP_PEER)
			die("verb %u from the supervisor", (unsigned)sup.verb);
	}
}

bool role_recv_decide(struct role *role, void *msg, size_t len_bytes, int *ret_fd)
{
	int *decide = &role->peer_fd[ROLE_DECIDE];
	int r = ipc_recv(*decide, msg, len_bytes, ret_fd);

	if (r == -EPIPE) {
		(void)close(take_fd(decide));
		return false;
	}
	if (r < 0)
		die("message from decide: %s", r == -EPROTO ? "wrong length" : "read error");
	return true;
}

void role_send_decide(const struct role *role, const void *msg, size_t len_bytes)
{
	int r = ipc_send(role->peer_fd[ROLE_DECIDE], msg, len_bytes, -1);

	if (r < 0 && r != -EPIPE)
		die("decide does not read its answers");
}
