/* xen - says which guest a port belongs to: reads xenstore for decide. */
#include <errno.h>
#include <stdint.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "hypervisor-glue/xenstore.h"
#include "roles/role.h"

enum { FDS_MAX = 6 }; /* 0 to 3, decide, xenstore */

static const int syscalls[] = {
	SANDBOX_COMMON,	  SCMP_SYS(rt_sigaction), /* libxenstore and SIGPIPE, at each request */
	SCMP_SYS(sendto), SCMP_SYS(recvfrom),	  -1,
};

/* xs is NULL on a machine without Xen: then no port belongs to a guest. */
static void serve(struct role *role, struct xenstore *xs)
{
	struct msg_guest_query query;
	struct msg_guest_reply reply = { 0 };
	int *decide = &role->peer_fd[ROLE_DECIDE];
	int r = ipc_recv(*decide, &query, sizeof(query), NULL);

	if (r == -EPIPE) { /* the supervisor will send its successor */
		(void)close(*decide);
		*decide = -1;
		return;
	}
	if (r < 0)
		die("message from decide: %s", r == -EPROTO ? "wrong length" : "read error");

	reply.id = query.id;
	reply.error =
		xs ? xenstore_guest_name(xs, query.domid, reply.name, sizeof(reply.name)) : -ENODEV;
	if (reply.error && reply.error != -ENOENT && reply.error != -ENODEV)
		log_warn(reply.error, "name of domain %u", (unsigned)query.domid);
	r = ipc_send(*decide, &reply, sizeof(reply), -1);
	if (r < 0 && r != -EPIPE)
		die("decide does not read its answers");
}

/* NULL on a machine without Xen. */
static struct xenstore *open_store(struct role *role)
{
	OWNS_FD int device = role_resource_take(role, SUP_RES_XENSTORE);
	struct xenstore *xs = NULL;
	int r;

	if (device < 0)
		return NULL;
	r = xenstore_open(device, &xs);
	if (r < 0)
		log_err(r, "open xenstore; ports have no guest names");
	return xs;
}

int main(void)
{
	struct role role;
	struct xenstore *xs = NULL;
	struct loop loop;
	struct msg_sup sup;
	int fd, r;

	log_open("xen");
	role_begin(&role, ROLE_XEN);
	xs = open_store(&role);
	sandbox_enter(&(struct sandbox){
		.uid = role_uid(&role), .syscalls = syscalls, .n_fds_max = FDS_MAX });
	for (;;) {
		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, role.peer_fd[ROLE_DECIDE]);
		r = loop_wait(&loop);
		if (r == -EINTR)
			continue;
		if (r < 0)
			die("wait: error %d", -r);
		if (loop_ready(&loop, role.peer_fd[ROLE_DECIDE]))
			serve(&role, xs);
		if (!loop_ready(&loop, ROLE_SUP_FD))
			continue;
		role_recv_sup(&role, &sup, &fd);
		if (sup.verb != SUP_PEER)
			die("verb %u from the supervisor", (unsigned)sup.verb);
	}
}
