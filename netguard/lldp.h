/* lldp.h - what one LLDP frame claims about the switch port we are plugged into.
 *
 * Pure: bytes in, printable text out. LLDP is unauthenticated: these are claims, never a proof of
 * a corporate network. Source: IEEE 802.1AB-2016, 8.4 (TLV format) and 8.5 (the TLVs). */
#ifndef NETGUARD_LLDP_H
#define NETGUARD_LLDP_H

#include <stddef.h>

#include "base/msg.h"

/* Parse one LLDPDU (the bytes after the EtherType). A MAC or IPv4 address in an identifier reads
 * as people write it; texts that are too long are cut; a system name that is not there is "".
 * 0; -EBADMSG when the frame breaks 802.1AB, *ret untouched. */
int lldp_parse(const void *pdu, size_t len_bytes, struct msg_lldp *ret);

#endif
