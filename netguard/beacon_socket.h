/* beacon_socket.h - the sockets of bulkhead-beacon on one interface.
 *
 * Probes are read from a packet socket, because only there MAC, address and hop limit of the
 * sender come with the datagram in one read. Replies and announcements leave by UDP sockets, whose
 * own queues stay empty. Opening needs CAP_NET_RAW; using them needs nothing. */
#ifndef NETGUARD_BEACON_SOCKET_H
#define NETGUARD_BEACON_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include "netguard/frame.h"

struct beacon_socket {
	int packet_fd; /* owned, like the others; -1: not open */
	int udp4_fd;
	int udp6_fd;
	uint32_t ifindex;
};

/* Open on ifname; the packet filter is locked. 0 or negative errno, and nothing left open. */
int beacon_socket_open(const char *ifname, struct beacon_socket *ret);

void beacon_socket_close(struct beacon_socket *socket);

/* The next frame with a UDP datagram for the beacon's port. 0; -EAGAIN none; -EBADMSG it was none
 * after all; else negative errno. ret->payload borrows from buf. */
int beacon_socket_receive(const struct beacon_socket *socket, uint8_t *buf, size_t buf_bytes,
			  struct frame *ret);

/* Answer to where that frame's datagram came from, from where it went to (so a probe to a group is
 * not answered: -EINVAL). 0 or negative errno. */
int beacon_socket_reply(const struct beacon_socket *socket, const struct frame *frame,
			const uint8_t *data, size_t len_bytes);

/* To 224.0.0.1 and ff02::1. 0, or the negative errno of the last family that failed. */
int beacon_socket_announce(const struct beacon_socket *socket, const uint8_t *data,
			   size_t len_bytes);

#endif
