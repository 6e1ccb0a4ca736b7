#include "netguard/nlrecv.h"

#include <errno.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <sys/uio.h>

int nlrecv(int fd, void *buf, size_t buf_bytes)
{
	struct sockaddr_nl from = { 0 };
	struct iovec part = { .iov_base = buf, .iov_len = buf_bytes };
	struct msghdr msg = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &part, .msg_iovlen = 1
	};
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	/* netlink(7): any process may write to us; the kernel's own port is 0 */
	if ((msg.msg_flags & MSG_TRUNC) || msg.msg_namelen != sizeof(from) || from.nl_pid != 0)
		return -EPROTO;
	return (int)n;
}
