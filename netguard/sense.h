/* sense.h - from one received frame to what `sniff` claims about it.
 *
 * Pure: this is all that touches a hostile frame, so it is small, total and fuzzed. */
#ifndef NETGUARD_SENSE_H
#define NETGUARD_SENSE_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg.h"

/* The frames that sense_frame() has an ear for, as a libpcap filter; capture.h lets tagged ones pass
 * besides. CDP shares its group address with other protocols of Cisco, so its SNAP header is asked
 * for. Of ARP only what is not a question to all: answers, what is for us, and announcements (RFC
 * 5227 3: a question for the sender's own address). Of ICMPv6 134 to 136: RA, NS, NA. An IPv6 packet
 * whose first header is an extension (0, 43, 60) may be any of ours. The last line is for
 * announcements; replies to probes go to another port. */
#define SENSE_FILTER                                                                               \
	"ether proto 0x88cc or ether proto 0x888e"                                                 \
	" or (ether dst 01:00:0c:cc:cc:cc and ether[14:4] = 0xaaaa0300 and ether[18:4] = "         \
	"0x000c2000)"                                                                              \
	" or (arp and (not ether broadcast or arp[6:2] = 2 or arp[14:4] = arp[24:4]))"             \
	" or (ip6 and (ip6[6] = 0 or ip6[6] = 43 or ip6[6] = 60"                                   \
	" or (ip6[6] = 58 and ip6[40] >= 134 and ip6[40] <= 136)"                                  \
	" or (ip6[6] = 17 and src port 547 and dst port 546)))"                                    \
	" or (ip and udp src port 67 and udp dst port 68)"                                         \
	" or (udp dst port 6262)"

/* 0 and a claim; -ENODATA: nothing of ours, or too broken to claim anything. An LLDP or CDP frame
 * that breaks its standard is still a claim, with the chassis or device "malformed": something there
 * speaks it. Of what is tagged for a VLAN, another network's, the tag is the claim. SIGN_GATEWAY is
 * claimed of every neighbour that says its MAC: gateway.h knows which of them count. */
int sense_frame(const void *data, size_t len_bytes, uint32_t ifindex, uint64_t at_boot_ms,
		struct msg_claim *ret);

#endif
