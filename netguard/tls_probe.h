/* tls_probe.h - does the holder of one pinned key answer here, now? A TLS 1.3 handshake, and no more.
 *
 * The server signs the transcript, which holds our random of this session: so whoever holds the key
 * took part in it. It says nothing about where: a relay passes. That is why this proof is weaker
 * than a beacon's. No name is sent, no request follows, no chain is followed: the key is pinned, and
 * the certificate's own dates count.
 *
 * Nothing here opens or closes a descriptor. Sources: RFC 8446 4.4.3, RFC 7469 2.4 (the pin). */
#ifndef NETGUARD_TLS_PROBE_H
#define NETGUARD_TLS_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/reason.h"

struct tls_setup; /* ciphers and an empty list of authorities: made once, before the sandbox */
struct tls_probe;

struct tls_target {
	int family;	     /* AF_INET or AF_INET6 */
	uint32_t scope;	     /* ifindex, for link-local IPv6 */
	uint16_t port;	     /* host order */
	uint8_t address[16]; /* IPv4 in the first four bytes */
	uint8_t pin[32];     /* SHA-256 of the SubjectPublicKeyInfo */
};

/* 0; -ENOMEM or -EINVAL. */
int tls_setup_new(struct tls_setup **ret);

/* fd: a TCP socket that does not block, unconnected and bound to its uplink; lent until
 * tls_probe_end(). 0 or -ENOMEM. Nothing is sent before the first step. */
int tls_probe_new(const struct tls_setup *setup, int fd, const struct tls_target *target,
		  struct tls_probe **ret);

/* Go as far as the socket lets us. True: it is decided, and *ret_reason says how: REASON_OK, or
 * _TLS_CONNECT, _TLS_HANDSHAKE, _TLS_PIN, _TLS_EXPIRED, in this order. False: wait; *ret_reason is
 * what an end by time would mean now. */
bool tls_probe_step(struct tls_probe *probe, uint64_t now_wall_s, enum reason *ret_reason);

/* What to wait for on fd: that it takes output, or else that there is input. */
bool tls_probe_wants_output(const struct tls_probe *probe);

/* Reset the connection, so that fd can be used again. NULL is accepted. */
void tls_probe_end(struct tls_probe *probe);

#endif
