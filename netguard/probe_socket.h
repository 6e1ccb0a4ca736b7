/* probe_socket.h - a UDP socket of `prove`: send a probe, receive a reply and how it arrived.
 *
 * The socket comes bound to its uplink and sends with hop limit 255. */
#ifndef NETGUARD_PROBE_SOCKET_H
#define NETGUARD_PROBE_SOCKET_H

#include <stdint.h>

#include "netguard/beacon_wire.h"

struct probe_peer {
	int family;	     /* AF_INET or AF_INET6 */
	uint32_t scope;	     /* ifindex, for link-local IPv6 */
	uint16_t port;	     /* host order */
	uint8_t address[16]; /* IPv4 in the first four bytes, the rest zero */
};

/* One datagram, and what the kernel says about it. */
struct probe_datagram {
	struct probe_peer from;
	uint8_t own_address[16]; /* where it was sent to: us; zero when the kernel did not say */
	uint8_t hop_limit;
	uint32_t len_bytes;
	uint8_t data[BEACON_PROBE_BYTES + 1]; /* one more: a longer one shows */
};

/* Ask the kernel for destination and hop limit of what is received. 0 or negative errno. */
int probe_socket_prepare(int fd, int family);

/* 0 or negative errno; never blocks. */
int probe_socket_send(int fd, const struct probe_peer *to, const uint8_t data[BEACON_PROBE_BYTES]);

/* 0; -EAGAIN: none there; else negative errno (an ICMP error of an earlier probe, say). */
int probe_socket_receive(int fd, struct probe_datagram *ret);

#endif
