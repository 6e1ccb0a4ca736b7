/* dhcp4.h - what one DHCPv4 message says about the network.
 *
 * Pure: bytes in, struct msg_dhcp4 out. Unauthenticated: claims, never proof.
 * Sources: RFC 2131 (message), 2132 (options 1, 3, 6, 15, 43, 51, 53, 54), 3396 (long options),
 * 3397 (119), 3925 (125), 3942 (224..254 are private). */
#ifndef NETGUARD_DHCP4_H
#define NETGUARD_DHCP4_H

#include <stddef.h>

#include "base/msg.h"

/* Parse one message (the UDP payload). Every type is read: a NAK (6) says that what was asked for is
 * not of this network, a FORCERENEW (9, RFC 3203) that the server wants to be asked anew; of both,
 * the server's address is what they say about the network. server_mac is left zero: the frame knows
 * it. Options in overloaded fields and options in pieces are read; of the resolvers the first four
 * are kept.
 * 0; -ENODATA a BOOTP message without a DHCP message type; -EBADMSG hostile or broken.
 * *ret is untouched on failure. */
int dhcp4_parse(const void *data, size_t len_bytes, struct msg_dhcp4 *ret);

#endif
