/* sense.h - from one received frame to what `sniff` claims about it.
 *
 * Pure: this is all that touches a hostile frame, so it is small, total and fuzzed. */
#ifndef NETGUARD_SENSE_H
#define NETGUARD_SENSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

/* The frames that sense_frame() has an ear for, as a libpcap filter. The last line is for
 * announcements; replies to probes go to another port. */
#define SENSE_FILTER                                                                               \
	"ether proto 0x88cc"                                                                       \
	" or (udp src port 67 and udp dst port 68)"                                                \
	" or (udp dst port 6262)"

/* 0 and a claim; -ENODATA: nothing of ours, or too broken to claim anything. An LLDP frame that
 * breaks its standard is still a claim, with the chassis "malformed": something there speaks it.
 * What is tagged for a VLAN is another network's: -ENODATA. */
int sense_frame(const void *data, size_t len_bytes, uint32_t ifindex, uint64_t at_boot_ms,
		struct msg_claim *ret);

#endif
