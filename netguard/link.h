/* link.h - what rtnetlink says about the links of one namespace, as facts.
 *
 * The socket is opened by somebody else, inside the namespace that is meant; this unit subscribes
 * it, asks for dumps and reads. It keeps no state about links: link_table.h does that.
 * The kernel answers one dump at a time, so a full picture is three of them: links, addresses,
 * routes, each ended by LINK_DUMP_END. Source: rtnetlink(7), linux/rtnetlink.h. */
#ifndef NETGUARD_LINK_H
#define NETGUARD_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	LINK_NAME_BYTES = 16,	/* IFNAMSIZ */
	LINK_BUF_BYTES = 32768, /* the kernel makes no larger datagram for a dump */
};

enum link_event {
	LINK_SET = 1, /* the link is there, as told */
	LINK_GONE,
	LINK_ADDRESS_SET,
	LINK_ADDRESS_GONE,
	LINK_GATEWAY_SET, /* a default route; ifindex 0: it has several next hops */
	LINK_GATEWAY_GONE,
	LINK_DUMP_END,
};

/* Which fields mean something depends on the event; the others are zero. */
struct link_fact {
	enum link_event event;
	uint32_t ifindex;
	char ifname[LINK_NAME_BYTES]; /* LINK_SET, LINK_GONE */
	bool up;		      /* LINK_SET: administratively */
	bool carrier;		      /* LINK_SET: up, and the other end is there */
	uint32_t n_losses;	      /* LINK_SET: of carrier, since the link was made */
	uint8_t mac[6];		      /* LINK_SET: zero if the link has no Ethernet address */
	uint8_t family;		      /* addresses and gateways: AF_INET or AF_INET6 */
	uint8_t prefix_bits;	      /* addresses */
	uint8_t address[16];	      /* network order; a gateway may be zero: on-link */
};

enum link_dump { LINK_DUMP_LINKS, LINK_DUMP_ADDRESSES, LINK_DUMP_ROUTES, N_LINK_DUMPS };

/* One datagram, being read. */
struct link_reader {
	const uint8_t *at;
	size_t left_bytes;
};

/* Subscribe the rtnetlink socket fd to links, addresses and routes. 0 or negative errno. */
int link_subscribe(int fd);

/* Ask for one dump; its answers carry nothing that tells them from news, and need not.
 * 0 or negative errno (-EBUSY: the last one has not ended). */
int link_dump_request(int fd, enum link_dump what);

/* Begin to read a datagram (nlrecv.h; -ENOBUFS: dump again) of len_bytes; buf is borrowed and aligned
 * for struct nlmsghdr. */
struct link_reader link_read(const void *buf, size_t len_bytes);

/* The next fact. 1 and *ret; 0 at the end; -EBADMSG when the rest is broken; a negative errno that
 * the kernel sent as an error. Messages of no interest are stepped over. */
int link_next(struct link_reader *reader, struct link_fact *ret);

#endif
