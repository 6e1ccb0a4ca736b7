#include "netguard/clock_rule.h"

#include <endian.h>
#include <errno.h>
#include <stdio.h>

#include <libnftnl/expr.h>
#include <libnftnl/rule.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

static struct nftnl_expr *expression(struct nftnl_rule *rule, const char *name)
{
	struct nftnl_expr *e = nftnl_expr_alloc(name);

	if (e)
		nftnl_rule_add_expr(rule, e); /* the rule owns e from here */
	return e;
}

/* "meta time < BOUND". jiffies, which end a timeout, stand still in suspend; the wall clock does
 * not. 0 or -ENOMEM. */
static int add_bound(struct nftnl_rule *rule, uint64_t wall_bound_s)
{
	uint64_t bound_be = htobe64(wall_bound_s * 1000000000);
	struct nftnl_expr *now = expression(rule, "meta"), *order = expression(rule, "byteorder");
	struct nftnl_expr *less = expression(rule, "cmp");

	if (!now || !order || !less)
		return -ENOMEM;
	nftnl_expr_set_u32(now, NFTNL_EXPR_META_KEY, NFT_META_TIME_NS);
	nftnl_expr_set_u32(now, NFTNL_EXPR_META_DREG, NFT_REG_1);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SREG, NFT_REG_1);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_DREG, NFT_REG_1);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_OP, NFT_BYTEORDER_HTON);
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_LEN, sizeof(bound_be));
	nftnl_expr_set_u32(order, NFTNL_EXPR_BYTEORDER_SIZE, sizeof(bound_be));
	nftnl_expr_set_u32(less, NFTNL_EXPR_CMP_SREG, NFT_REG_1);
	nftnl_expr_set_u32(less, NFTNL_EXPR_CMP_OP, NFT_CMP_LT);
	nftnl_expr_set(less, NFTNL_EXPR_CMP_DATA, &bound_be, sizeof(bound_be));
	return 0;
}

/* "meta mark set MARK" */
static int add_mark(struct nftnl_rule *rule, uint32_t mark)
{
	struct nftnl_expr *epoch = expression(rule, "immediate"), *set = expression(rule, "meta");

	if (!epoch || !set)
		return -ENOMEM;
	nftnl_expr_set_u32(epoch, NFTNL_EXPR_IMM_DREG, NFT_REG_1);
	nftnl_expr_set(epoch, NFTNL_EXPR_IMM_DATA, &mark, sizeof(mark));
	nftnl_expr_set_u32(set, NFTNL_EXPR_META_KEY, NFT_META_MARK);
	nftnl_expr_set_u32(set, NFTNL_EXPR_META_SREG, NFT_REG_1);
	return 0;
}

/* "goto CHAIN" */
static int add_verdict(struct nftnl_rule *rule, const char *chain)
{
	struct nftnl_expr *go = expression(rule, "immediate");

	if (!go)
		return -ENOMEM;
	nftnl_expr_set_u32(go, NFTNL_EXPR_IMM_DREG, NFT_REG_VERDICT);
	nftnl_expr_set_u32(go, NFTNL_EXPR_IMM_VERDICT, (uint32_t)NFT_GOTO);
	nftnl_expr_set_str(go, NFTNL_EXPR_IMM_CHAIN, chain);
	return 0;
}

int clock_rule_build(struct nftnl_rule *rule, uint64_t wall_bound_s, uint32_t mark,
		     const char *chain)
{
	int r = add_bound(rule, wall_bound_s);

	if (r == 0)
		r = add_mark(rule, mark);
	return r < 0 ? r : add_verdict(rule, chain);
}
