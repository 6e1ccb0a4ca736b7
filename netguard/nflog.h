/* nflog.h - from a datagram of the kernel's packet log to what our rules dropped.
 *
 * Pure: bounded reads, no copies but addresses. The kernel makes the netlink head and its attributes;
 * the packet inside is whatever a client sent, cut to the rule's snaplen, so an inner head that is cut
 * or broken is no error: the sample counts, and says less. Sources: linux/netfilter/nfnetlink_log.h,
 * RFC 791, RFC 8200. */
#ifndef NETGUARD_NFLOG_H
#define NETGUARD_NFLOG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/bytes.h"
#include "base/msg_net.h"

struct nflog_sample {
	struct msg_blocked
		blocked; /* BLOCKED_NONE: somebody else's log rule wrote it; n_lost is 0 */
	bool has_seq;
	uint32_t seq; /* one more with every sample that the kernel took for this socket */
};

/* Step to the next sample of a datagram. 1: *ret is one; 0: there are no more; -EBADMSG: the rest
 * contradicts itself, *ret untouched. */
int nflog_next(struct bytes *datagram, struct nflog_sample *ret);

/* How many samples never came? By the numbers that are missing; and one is missing at least when the
 * kernel says that the socket overflowed, before any number shows it. */
struct nflog_lost {
	bool begun;
	uint32_t next_seq;
	uint32_t
		n_told; /* of the missing numbers to come: those that an overflow has counted already */
	uint32_t n;	/* lost; the caller takes from it what it has passed on */
};

void nflog_lost_seq(struct nflog_lost *lost, uint32_t seq);
void nflog_lost_overflow(struct nflog_lost *lost);

#endif
