/* ra.h - what one IPv6 router advertisement says about the network.
 *
 * Pure: bytes in, struct msg_ra out. Unauthenticated: claims, never proof.
 * Sources: RFC 4861 4.2, 4.6 and 6.1.2 (what a host must refuse), RFC 8106 5 (resolvers, search
 * list), RFC 8801 3.1 (provisioning domain, and the options inside it). */
#ifndef NETGUARD_RA_H
#define NETGUARD_RA_H

#include <stddef.h>

#include "base/msg.h"

#include "netguard/frame.h"

enum { RA_ICMP6_TYPE = 134 }; /* RFC 4861 4.2 */

/* Parse the advertisement in a frame that was read as ICMPv6. A list that does not fit, or one that
 * cannot be read, is told by `cut`: what could not be read may be the sign.
 * 0; -ENODATA another ICMPv6 message; -EBADMSG when RFC 4861 6.1.2 has a host refuse it: the hop
 * limit is not 255, the source is not link-local, an option has no length or breaks the message.
 * *ret is untouched on failure. */
int ra_parse(const struct frame *frame, struct msg_ra *ret);

#endif
