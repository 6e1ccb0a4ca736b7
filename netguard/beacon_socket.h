/* beacon_socket.h - the sockets of bulkhead-beacon on one interface.
 *
 * Probes are read from a packet socket, because only there MAC, address and hop limit of the
 * sender come with the datagram in one read. Replies and announcements leave by UDP sockets, whose
 * own queues stay empty. A tunnel has no frames: there the UDP sockets hear, too. Opening needs
 * CAP_NET_RAW; using them needs nothing. */
#ifndef NETGUARD_BEACON_SOCKET_H
#define NETGUARD_BEACON_SOCKET_H

#include <stddef.h>
#include <stdint.h>

#include <stdbool.h>

#include "netguard/beacon_wire.h"

struct beacon_socket {
	int packet_fd; /* owned, like the others; -1: not open, as in a tunnel */
	int udp4_fd;
	int udp6_fd;
	uint32_t ifindex;
};

/* Who sent a datagram, and how it came. */
struct beacon_asker {
	struct beacon_observed seen;
	uint8_t own_address[16]; /* where it went to */
	uint16_t port;		 /* where it came from, beside seen.address */
};

/* A datagram to the beacon's port. */
struct beacon_query {
	struct beacon_asker from;
	size_t len_bytes;
	uint8_t data[BEACON_PROBE_BYTES + 1]; /* one more: a longer one shows */
};

/* Open on ifname; filters are locked. 0 or negative errno, and nothing left open. */
int beacon_socket_open(const char *ifname, bool tunnel, struct beacon_socket *ret);

void beacon_socket_close(struct beacon_socket *socket);

/* The next one. 0; -EAGAIN none; -EBADMSG it was none after all; else negative errno. */
int beacon_socket_receive(const struct beacon_socket *socket, struct beacon_query *ret);

/* Answer to where it came from, from where it went to (so a probe to a group is not answered:
 * -EINVAL). 0 or negative errno. */
int beacon_socket_reply(const struct beacon_socket *socket, const struct beacon_asker *to,
			const uint8_t *data, size_t len_bytes);

/* To 224.0.0.1 and ff02::1. 0, or the negative errno of the last family that failed. */
int beacon_socket_announce(const struct beacon_socket *socket, const uint8_t *data,
			   size_t len_bytes);

#endif
