/* neighbour.h - which MAC an address has, as ARP or neighbour discovery says it.
 *
 * Pure: bytes in, struct msg_gateway out. Unauthenticated: claims, never proof.
 * Sources: RFC 826 (ARP), RFC 4861 4.3, 4.4, 7.1 (NS, NA and what a host must refuse). */
#ifndef NETGUARD_NEIGHBOUR_H
#define NETGUARD_NEIGHBOUR_H

#include "base/msg.h"

#include "netguard/frame.h"

/* The sender of an ARP packet, the target of a neighbour advertisement, or the sender of a
 * neighbour solicitation. 0; -ENODATA when the frame is neither or names nobody (a probe for an
 * address that is still free); -EBADMSG hostile or broken. *ret is untouched on failure. */
int neighbour_parse(const struct frame *frame, struct msg_gateway *ret);

#endif
