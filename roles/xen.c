/* xen - says which guest a port belongs to: reads xenstore for decide. */
#include <errno.h>
#include <stdint.h>

#include <seccomp.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "hypervisor-glue/xenstore.h"
#include "roles/role.h"

enum { FDS_MAX = 6 }; /* 0 to 3, decide, xenstore */

static const int syscalls[] = {
	SANDBOX_COMMON,	  SCMP_SYS(rt_sigaction), /* libxenstore and SIGPIPE, at each request */
	SCMP_SYS(sendto), SCMP_SYS(recvfrom),	  -1,
};

/* own: the xenstore, or NULL on a machine without Xen: then no port belongs to a guest. */
static void serve(struct role *role, void *own)
{
	struct xenstore *xs = own;
	struct msg_guest_query query;
	struct msg_guest_reply reply = { 0 };

	if (!role_recv_decide(role, &query, sizeof(query), NULL))
		return;
	reply.id = query.id;
	reply.error =
		xs ? xenstore_guest_name(xs, query.domid, reply.name, sizeof(reply.name)) : -ENODEV;
	if (reply.error && reply.error != -ENOENT && reply.error != -ENODEV)
		log_warn(reply.error, "name of domain %u", (unsigned)query.domid);
	role_send_decide(role, &reply, sizeof(reply));
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

	log_open("xen");
	role_begin(&role, ROLE_XEN);
	xs = open_store(&role);
	sandbox_enter(&(struct sandbox){
		.uid = role_uid(&role), .syscalls = syscalls, .n_fds_max = FDS_MAX });
	role_answer_decide(&role, serve, xs);
}
