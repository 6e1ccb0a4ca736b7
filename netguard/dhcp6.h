/* dhcp6.h - what one DHCPv6 message of a server says about the network.
 *
 * Pure: bytes in, struct msg_dhcp6 out. Unauthenticated: claims, never proof.
 * Sources: RFC 8415 8 (message), 21 (options), RFC 3646 3 and 4 (resolvers, search list). */
#ifndef NETGUARD_DHCP6_H
#define NETGUARD_DHCP6_H

#include <stddef.h>

#include "base/msg.h"

/* Parse one message (the UDP payload): an Advertise, a Reply or a Reconfigure. The members `server`
 * and both MACs are left zero: the packet knows them. A list that does not fit, or one that cannot
 * be read, is told by `cut`: what could not be read may be the sign.
 * 0; -ENODATA another type of message, which no server sends to a client; -EBADMSG when an option
 * breaks its frame. *ret is untouched on failure. */
int dhcp6_parse(const void *data, size_t len_bytes, struct msg_dhcp6 *ret);

#endif
