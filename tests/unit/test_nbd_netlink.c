#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>

#include "hypervisor-glue/nbd_netlink.h"

enum { FAMILY = 0x1c, SEQ = 5 };

struct answer {
	_Alignas(struct nlmsghdr) char bytes[512];
	size_t len_bytes;
};

static struct nlmsghdr *add_message(struct answer *a, uint16_t type, uint32_t seq)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(a->bytes + a->len_bytes);

	nlh->nlmsg_type = type;
	nlh->nlmsg_seq = seq;
	return nlh;
}

static void add_index(struct answer *a, uint32_t index)
{
	struct nlmsghdr *nlh = add_message(a, FAMILY, SEQ);
	struct genlmsghdr *genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));

	genl->cmd = NBD_CMD_CONNECT;
	mnl_attr_put_u64(nlh, NBD_ATTR_TIMEOUT, 0); /* another one before it */
	mnl_attr_put_u32(nlh, NBD_ATTR_INDEX, index);
	a->len_bytes += nlh->nlmsg_len;
}

static void add_ack(struct answer *a, int error, uint32_t seq)
{
	struct nlmsghdr *nlh = add_message(a, NLMSG_ERROR, seq);
	struct nlmsgerr *e = mnl_nlmsg_put_extra_header(nlh, sizeof(*e));

	e->error = error;
	a->len_bytes += nlh->nlmsg_len;
}

static int parse(const struct answer *a, uint32_t *index)
{
	return nbd_netlink_reply_parse(a->bytes, a->len_bytes, FAMILY, SEQ, index);
}

static void reads_index_and_acknowledgement(void **state)
{
	struct answer both = { .len_bytes = 0 }, first = { .len_bytes = 0 };
	uint32_t index = UINT32_MAX;

	(void)state;
	add_index(&first, 9);
	assert_int_equal(parse(&first, &index), NBD_NETLINK_MORE);
	assert_int_equal(index, 9);
	add_index(&both, 3);
	add_ack(&both, 0, SEQ);
	assert_int_equal(parse(&both, &index), NBD_NETLINK_DONE);
	assert_int_equal(index, 3);
}

static void hands_on_the_kernels_refusal(void **state)
{
	struct answer a = { .len_bytes = 0 };
	uint32_t index = UINT32_MAX;

	(void)state;
	add_ack(&a, -EPERM, SEQ);
	assert_int_equal(parse(&a, &index), -EPERM);
	assert_int_equal(index, UINT32_MAX);
}

static void refuses_an_answer_to_something_else(void **state)
{
	struct answer other_seq = { .len_bytes = 0 }, other_family = { .len_bytes = 0 };
	uint32_t index = UINT32_MAX;

	(void)state;
	add_ack(&other_seq, 0, SEQ + 1);
	assert_int_equal(parse(&other_seq, &index), -EPROTO);
	add_index(&other_family, 1);
	((struct nlmsghdr *)other_family.bytes)->nlmsg_type = FAMILY + 1;
	assert_int_equal(parse(&other_family, &index), -EPROTO);
}

static void never_reads_past_a_cut_answer(void **state)
{
	struct answer a = { .len_bytes = 0 };

	(void)state;
	add_index(&a, 3);
	add_ack(&a, 0, SEQ);
	for (size_t n = 0; n < a.len_bytes; n++) {
		uint32_t index = UINT32_MAX;

		assert_int_not_equal(nbd_netlink_reply_parse(a.bytes, n, FAMILY, SEQ, &index),
				     NBD_NETLINK_DONE);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_index_and_acknowledgement),
		cmocka_unit_test(hands_on_the_kernels_refusal),
		cmocka_unit_test(refuses_an_answer_to_something_else),
		cmocka_unit_test(never_reads_past_a_cut_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
