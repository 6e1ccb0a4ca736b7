/* nflog_socket.h - the kernel's packet log of this network namespace: one group of it, one reader.
 *
 * Opening needs CAP_NET_ADMIN; reading needs nothing. Not by libpcap, whose reader waits in recv() when the socket
 * has overflowed, and whoever reads here has a heartbeat to keep. The socket is small on purpose:
 * what does not fit is lost, and told (nflog.h counts it). */
#ifndef NETGUARD_NFLOG_SOCKET_H
#define NETGUARD_NFLOG_SOCKET_H

#include <stdint.h>

enum { NFLOG_DATAGRAM_BYTES = 8192 }; /* what the kernel gathers before it sends: a page at most */

/* A descriptor owned by the caller, or negative errno; -EBUSY: somebody else reads this group. Read it
 * by nlrecv(). */
int nflog_socket_open(uint16_t group);

#endif
