#include "netguard/batch.h"

#include <errno.h>

#include <libnftnl/common.h>
#include <arpa/inet.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include "netguard/nltalk.h"
#include "netguard/ruleset.h"

void batch_start(struct batch *b, void *buf, size_t limit_bytes, uint32_t *seq, uint32_t generation)
{
	struct nlmsghdr *nlh;

	*b = (struct batch){ .nlb = mnl_nlmsg_batch_start(buf, limit_bytes), .seq = seq };
	if (!b->nlb) {
		b->error = -ENOMEM;
		return;
	}
	nlh = nftnl_batch_begin(mnl_nlmsg_batch_current(b->nlb), (*seq)++);
	if (generation != 0)
		mnl_attr_put_u32(nlh, NFNL_BATCH_GENID, htonl(generation));
	(void)mnl_nlmsg_batch_next(b->nlb);
}

int batch_send(struct batch *b, struct mnl_socket *nl)
{
	int r = b->error;

	if (!b->nlb)
		return r;
	if (b->last)
		b->last->nlmsg_flags |= NLM_F_ACK;
	nftnl_batch_end(mnl_nlmsg_batch_current(b->nlb), (*b->seq)++);
	if (r == 0 && !mnl_nlmsg_batch_next(b->nlb))
		r = -ENOSPC;
	if (r == 0)
		r = nltalk_send(nl, mnl_nlmsg_batch_head(b->nlb), mnl_nlmsg_batch_size(b->nlb),
				b->last ? 1 : 0);
	mnl_nlmsg_batch_stop(b->nlb);
	return r;
}

struct nlmsghdr *batch_begin(struct batch *b, uint16_t type, uint16_t family, uint16_t flags)
{
	b->last = nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b->nlb), type, family, flags,
					(*b->seq)++);
	return b->last;
}

void batch_done(struct batch *b)
{
	if (!mnl_nlmsg_batch_next(b->nlb))
		b->error = -ENOSPC;
}

struct nftnl_set *batch_refill(struct batch *b, uint16_t family, const char *name)
{
	struct nftnl_set *set = nftnl_set_alloc();

	if (!set || nftnl_set_set_str(set, NFTNL_SET_TABLE, RULESET_TABLE) < 0 ||
	    nftnl_set_set_str(set, NFTNL_SET_NAME, name) < 0) {
		nftnl_set_free(set);
		b->error = -ENOMEM;
		return NULL;
	}
	nftnl_set_elems_nlmsg_build_payload(batch_begin(b, NFT_MSG_DELSETELEM, family, 0), set);
	batch_done(b);
	return set;
}

struct nftnl_set_elem *batch_element(struct batch *b, struct nftnl_set *set, const void *key,
				     uint32_t key_bytes)
{
	struct nftnl_set_elem *e = nftnl_set_elem_alloc();

	if (!e || nftnl_set_elem_set(e, NFTNL_SET_ELEM_KEY, key, key_bytes) < 0) {
		nftnl_set_elem_free(e);
		b->error = -ENOMEM;
		return NULL;
	}
	nftnl_set_elem_add(set, e); /* the set owns e from here */
	return e;
}

void batch_refill_done(struct batch *b, uint16_t family, struct nftnl_set *set, unsigned n)
{
	if (n > 0 && b->error == 0) {
		nftnl_set_elems_nlmsg_build_payload(
			batch_begin(b, NFT_MSG_NEWSETELEM, family, NLM_F_CREATE), set);
		batch_done(b);
	}
	nftnl_set_free(set);
}
