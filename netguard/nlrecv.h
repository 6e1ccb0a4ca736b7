/* nlrecv.h - receive what the kernel tells on a netlink socket, and nobody else's words. */
#ifndef NETGUARD_NLRECV_H
#define NETGUARD_NLRECV_H

#include <stddef.h>

/* One datagram into buf, without waiting; its length, or: -EAGAIN none now; -ENOBUFS some were lost;
 * -EPROTO it is cut or not the kernel's, read on; another errno. */
int nlrecv(int fd, void *buf, size_t buf_bytes);

#endif
