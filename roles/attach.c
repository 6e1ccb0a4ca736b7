/* attach - gives an unlocked disk's NBD socket to the kernel as /dev/nbdN, and takes it away.
 *
 * The only process with CAP_SYS_ADMIN that hears from others at all: one fixed-size message from
 * decide, and a few dozen checked bytes from block. */
#include <errno.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/sandbox.h"
#include "hypervisor-glue/nbd_handshake.h"
#include "hypervisor-glue/nbd_netlink.h"
#include "roles/role.h"

/* block answers before it asks anyone else; a block that takes longer hangs. */
enum { HANDSHAKE_TIMEOUT_MS = 5000 };
enum { FDS_MAX = 6 }; /* 0 to 3, decide, netlink */

static const int syscalls[] = {
	SANDBOX_COMMON,	      SCMP_SYS(sendto), /* libmnl, and the handshake */
	SCMP_SYS(recvfrom),			/* the handshake */
	SCMP_SYS(getsockopt), -1,
};

/* Only a unix stream socket can be block's: the kernel would also take one to another machine. */
static int check_socket(int sock)
{
	int domain = 0, type = 0;
	socklen_t len = sizeof(domain);

	if (getsockopt(sock, SOL_SOCKET, SO_DOMAIN, &domain, &len) < 0)
		return -errno;
	len = sizeof(type);
	if (getsockopt(sock, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return -errno;
	return domain == AF_UNIX && type == SOCK_STREAM ? 0 : -EPROTOTYPE;
}

/* The handshake must confirm the size that the lease gave; order->flags are bits that the device
 * gets even if the server does not ask for them (read-only). */
static int connect_disk(struct nbd_netlink *nl, const struct msg_attach *order, int sock,
			uint32_t *ret_index)
{
	struct nbd_wire_export export;
	int r = check_socket(sock);

	if (r == 0)
		r = nbd_handshake(sock, loop_now_boot_ms() + HANDSHAKE_TIMEOUT_MS, &export);
	if (r < 0)
		return r;
	if (export.size_bytes != order->disk_bytes)
		return -EBADMSG;
	export.flags |= (uint16_t)order->flags;
	if (order->nbd_index == UINT32_MAX)
		return nbd_netlink_connect(nl, sock, &export, order->disk, ret_index);
	*ret_index = order->nbd_index;
	return nbd_netlink_reconnect(nl, order->nbd_index, sock, order->disk);
}

static void check_order(const struct msg_attach *order, int sock)
{
	bool connect = order->verb == ATTACH_CONNECT;

	if (order->verb == 0 || order->verb >= N_ATTACH_VERBS ||
	    !msg_text_ok(order->disk, sizeof(order->disk)) || (sock >= 0) != connect ||
	    order->flags > UINT16_MAX || (!connect && order->nbd_index > INT32_MAX))
		die("decide broke the contract with verb %u", (unsigned)order->verb);
}

static void serve(struct role *role, void *own)
{
	struct nbd_netlink *nl = own;
	struct msg_attach order;
	OWNS_FD int sock = -1;

	if (!role_recv_decide(role, &order, sizeof(order), &sock))
		return;
	check_order(&order, sock);

	struct msg_attach_reply reply = { .id = order.id, .nbd_index = order.nbd_index };

	if (order.verb == ATTACH_CONNECT) {
		reply.error = connect_disk(nl, &order, sock, &reply.nbd_index);
		if (reply.error)
			log_err(reply.error, "disk '%s': give its socket to the kernel",
				order.disk);
		else
			log_info("disk '%s' is /dev/nbd%u", order.disk, reply.nbd_index);
	} else {
		reply.error = nbd_netlink_disconnect(nl, order.nbd_index);
		if (reply.error)
			log_err(reply.error, "disk '%s': disconnect /dev/nbd%u", order.disk,
				order.nbd_index);
		else
			log_info("disk '%s' is no longer /dev/nbd%u", order.disk, order.nbd_index);
	}
	role_send_decide(role, &reply, sizeof(reply));
}

int main(void)
{
	struct role role;
	struct nbd_netlink *nl;
	int r;

	log_open("attach");
	role_begin(&role, ROLE_ATTACH);
	r = nbd_netlink_open(&nl);
	if (r < 0) {
		log_err(r, "open generic netlink");
		return 1;
	}
	sandbox_enter(&(struct sandbox){ .uid = role_uid(&role),
					 .caps = UINT64_C(1) << CAP_SYS_ADMIN,
					 .syscalls = syscalls,
					 .n_fds_max = FDS_MAX });
	role_answer_decide(&role, serve, nl);
}
