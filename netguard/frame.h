/* frame.h - from an Ethernet frame down to the payload of its UDP datagram or ICMPv6 message.
 *
 * Pure: bounded reads, no copies but addresses. Options, extension headers and tags that name no
 * VLAN are stepped over; a fragment has no ports, since a fragment proves nothing about the whole. Checksums are
 * not looked at: sums of locally sent frames are filled in later by the hardware.
 * Sources: IEEE 802.3, 802.1Q, RFC 791, RFC 8200, RFC 768. */
#ifndef NETGUARD_FRAME_H
#define NETGUARD_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/bytes.h"

enum {
	FRAME_ETHERTYPE_IPV4 = 0x0800,
	FRAME_ETHERTYPE_ARP = 0x0806,
	FRAME_ETHERTYPE_IPV6 = 0x86dd,
	FRAME_ETHERTYPE_EAPOL = 0x888e,
	FRAME_ETHERTYPE_LLDP = 0x88cc,
};

struct frame {
	uint8_t destination_mac[6];
	uint8_t source_mac[6];
	uint16_t vlan_id;   /* of the outermost tag that names a VLAN; 0: none */
	uint16_t ethertype; /* after the tags; 0: an LLC frame */
	uint8_t ip_version; /* 4, 6, or 0 */
	uint8_t hop_limit;
	uint8_t source[16]; /* IPv4 in the first four bytes, the rest zero */
	uint8_t destination[16];
	bool is_icmp6; /* then payload is the message, from its type on */
	bool is_udp;   /* then: the ports, and payload is the datagram's */
	uint16_t source_port;
	uint16_t destination_port;
	struct bytes payload; /* borrowed from the frame: past the innermost header that was read */
};

/* 0; -EBADMSG when a header is cut short or contradicts itself, *ret untouched. A frame that is
 * tagged for a VLAN is not read past its tags: it is another network's, whatever is in it. */
int frame_parse(const void *data, size_t len_bytes, struct frame *ret);

/* RFC 4291 2.5.6: fe80::/10 */
bool frame_is_link_local(const uint8_t address[16]);

#endif
