#include "netguard/batch.h"

#include <errno.h>

#include <libnftnl/common.h>
#include <linux/netfilter/nf_tables.h>

#include "netguard/ruleset.h"

struct nlmsghdr *batch_begin(struct batch *b, uint16_t type, uint16_t family, uint16_t flags)
{
	return nftnl_nlmsg_build_hdr(mnl_nlmsg_batch_current(b->nlb), type, family,
				     (uint16_t)(flags | NLM_F_ACK), (*b->seq)++);
}

void batch_done(struct batch *b)
{
	b->n_acks++;
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
