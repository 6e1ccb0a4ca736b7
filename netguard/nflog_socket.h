/* nflog_socket.h - the kernel's packet log of this network namespace: one group of it, one reader.
 *
 * Opening needs CAP_NET_ADMIN; reading needs nothing. Not by libpcap, whose reader waits in recv() when the socket
 * has overflowed, and whoever reads here has a heartbeat to keep. The socket is small on purpose:
 * what does not fit is lost, and told (nflog.h counts it). */
#ifndef NETGUARD_NFLOG_SOCKET_H
#define NETGUARD_NFLOG_SOCKET_H

#include <stddef.h>
#include <stdint.h>

enum { NFLOG_DATAGRAM_BYTES = 8192 }; /* what the kernel gathers before it sends: a page at most */

/* A descriptor owned by the caller, or negative errno; -EBUSY: somebody else reads this group. */
int nflog_socket_open(uint16_t group);

/* One datagram. Its length; -EAGAIN: none now; -ENOBUFS: some were lost, read on; -EPROTO: not the
 * kernel's or too long, read on; else negative errno. Never waits. */
int nflog_socket_recv(int fd, void *buf, size_t buf_bytes);

#endif
