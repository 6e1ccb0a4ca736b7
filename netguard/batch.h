/* batch.h - one nf_tables batch under construction: messages, and sets that are emptied and refilled.
 *
 * A fault (no memory, no room) stays in .error; what comes after it does no harm, and the batch is
 * not sent. For grants.c and the files beside it. */
#ifndef NETGUARD_BATCH_H
#define NETGUARD_BATCH_H

#include <stdint.h>

#include <libmnl/libmnl.h>
#include <libnftnl/set.h>

struct batch {
	struct mnl_nlmsg_batch *nlb;
	uint32_t *seq;
	struct nlmsghdr *last;
	int error;
};

/* An empty batch in buf, which has room for one message behind its limit. generation: the kernel
 * takes the batch only while no change came after this one; 0: in any case. */
void batch_start(struct batch *b, void *buf, size_t limit_bytes, uint32_t *seq,
		 uint32_t generation);

/* Send it, and free what it holds. One answer is asked for, to the last message: an error of any is
 * told unasked, and the kernel takes all or none. 0, -ERESTART: there is another generation, or
 * the first error. */
int batch_send(struct batch *b, struct mnl_socket *nl);

/* The header of the next message; the caller fills it, then batch_done(). */
struct nlmsghdr *batch_begin(struct batch *b, uint16_t type, uint16_t family, uint16_t flags);
void batch_done(struct batch *b);

/* Begin a refill of one of our sets: it is emptied, and a list for what comes is returned; NULL
 * (and the batch is spoilt) without memory. */
struct nftnl_set *batch_refill(struct batch *b, uint16_t family, const char *name);

/* One more element, owned by the set. NULL (and the batch is spoilt) without memory. */
struct nftnl_set_elem *batch_element(struct batch *b, struct nftnl_set *set, const void *key,
				     uint32_t key_bytes);

/* Add the n elements, and free the list. */
void batch_refill_done(struct batch *b, uint16_t family, struct nftnl_set *set, unsigned n);

#endif
