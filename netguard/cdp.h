/* cdp.h - what one CDP frame claims about the switch port we are plugged into.
 *
 * Pure: bytes in, printable text out. CDP is unauthenticated: these are claims, never a proof of a
 * corporate network. The checksum is not looked at: the frame's own has held, and Cisco's own way
 * with odd lengths differs from RFC 1071. Source: Cisco, "Cisco Discovery Protocol" (frame and TLV
 * formats), versions 1 and 2. */
#ifndef NETGUARD_CDP_H
#define NETGUARD_CDP_H

#include <stddef.h>

#include "base/msg.h"

/* Parse one CDP packet (the bytes after the SNAP header). Texts that are too long are cut; a TLV
 * that is not there is "" or 0; of two of a kind the last one holds.
 * 0; -EBADMSG when a TLV breaks its frame or there is none at all, *ret untouched. */
int cdp_parse(const void *pdu, size_t len_bytes, struct msg_cdp *ret);

#endif
