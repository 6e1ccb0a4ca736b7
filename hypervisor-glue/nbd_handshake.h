/* nbd_handshake.h - bring a connected NBD socket to the point where the kernel may take it. */
#ifndef HYPERVISOR_GLUE_NBD_HANDSHAKE_H
#define HYPERVISOR_GLUE_NBD_HANDSHAKE_H

#include <stdint.h>

#include "hypervisor-glue/nbd_wire.h"

/* Speak the handshake over fd (borrowed; blocking or not) and say what is exported. Reads exactly
 * what belongs to it: the kernel finds the transmission phase at its first byte.
 * -ETIMEDOUT: not done by deadline_boot_ms (CLOCK_BOOTTIME); -EPIPE: the server hung up; -EBADMSG,
 * -ECONNREFUSED: as in nbd_wire.h; others from poll(2), send(2) and recv(2). */
int nbd_handshake(int fd, uint64_t deadline_boot_ms, struct nbd_wire_export *ret);

#endif
