#include "base/ipc.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int ipc_pair(int ret_fd[2])
{
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fd) < 0)
		return -errno;
	ret_fd[0] = fd[0];
	ret_fd[1] = fd[1];
	return 0;
}

/* Room for one descriptor; the union gives the alignment that cmsg(3) asks for. */
union control {
	char space[CMSG_SPACE(sizeof(int))];
	struct cmsghdr align;
};

int ipc_send(int fd, const void *msg, size_t msg_bytes, int pass_fd)
{
	union control control = { .space = { 0 } };
	struct iovec iov = { .iov_len = msg_bytes };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	memcpy(&iov.iov_base, &msg, sizeof(msg)); /* iovec has no const; sendmsg() only reads */
	if (pass_fd >= 0) {
		struct cmsghdr *c;

		h.msg_control = control.space;
		h.msg_controllen = sizeof(control.space);
		c = CMSG_FIRSTHDR(&h);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &pass_fd, sizeof(int));
	}
	do
		n = sendmsg(fd, &h, MSG_NOSIGNAL | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
	return (size_t)n == msg_bytes ? 0 : -EPROTO;
}

/* The first descriptor of a received message, or -1, and how many came: alignment leaves room for
 * two. Closes what came beyond the first. */
static int control_take(struct msghdr *h, unsigned *ret_n)
{
	int first = -1;

	*ret_n = 0;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		for (size_t at = CMSG_LEN(0); at + sizeof(int) <= c->cmsg_len; at += sizeof(int)) {
			int fd;

			memcpy(&fd, (const uint8_t *)c + at, sizeof(fd));
			if ((*ret_n)++ == 0)
				first = fd;
			else
				(void)close(fd);
		}
	}
	return first;
}

int ipc_recv(int fd, void *msg, size_t msg_bytes, int *ret_fd)
{
	union control control = { .space = { 0 } };
	struct iovec iov = { .iov_base = msg, .iov_len = msg_bytes };
	struct msghdr h = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	unsigned n_passed;
	int passed, n_resets = 0;
	ssize_t n;

	/* A peer that went without reading all resets the socket, once: what it had sent before is
	 * still there behind the error, and its last word may matter most. */
	do
		n = recvmsg(fd, &h, MSG_CMSG_CLOEXEC | MSG_TRUNC);
	while (n < 0 && (errno == EINTR || (errno == ECONNRESET && n_resets++ == 0)));
	if (n < 0)
		return errno == EWOULDBLOCK ? -EAGAIN : errno == ECONNRESET ? -EPIPE : -errno;

	passed = control_take(&h, &n_passed);
	if (n == 0 && passed < 0)
		return -EPIPE;
	if ((size_t)n != msg_bytes || (h.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) || n_passed > 1 ||
	    (passed >= 0 && !ret_fd)) {
		if (passed >= 0)
			(void)close(passed);
		memset(msg, 0, msg_bytes);
		return -EPROTO;
	}
	if (ret_fd)
		*ret_fd = passed;
	return 0;
}
