#include <errno.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "netguard/link.h"
#include "netguard/nlrecv.h"
#include "tests/unit/skip.h"

/* RTM_NEWLINK: index 3, up and lower-up, "eth0", 02:00:00:00:00:03. Little endian, as the host. */
static const uint8_t NEWLINK[] = {
	0x40, 0, 0,  0, 16,  0,	  0,   0,   0,	  0, 0, 0, 0, 0, 0, 0, /* nlmsghdr, 64 bytes */
	0,    0, 1,  0, 3,   0,	  0,   0,   0x01, 0, 1, 0, 0, 0, 0, 0, /* ifinfomsg */
	9,    0, 3,  0, 'e', 't', 'h', '0', 0,	  0, 0, 0,	       /* IFLA_IFNAME */
	10,   0, 1,  0, 2,   0,	  0,   0,   0,	  3, 0, 0,	       /* IFLA_ADDRESS */
	8,    0, 48, 0, 7,   0,	  0,   0,			       /* IFLA_CARRIER_DOWN_COUNT */
};

/* RTM_NEWROUTE: IPv4 default via 192.0.2.1 on index 3, table main. */
static const uint8_t NEWROUTE[] = {
	0x2c, 0, 0,   0, 24,  0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0,
	0,    0, 254, 3, 0,   1, 0, 0, 0, 0, 8, 0, 4, 0, 3, 0, 0, 0, /* RTA_OIF */
	8,    0, 5,   0, 192, 0, 2, 1,				     /* RTA_GATEWAY */
};

/* RTM_NEWADDR: 192.0.2.7/24 on index 3. */
static const uint8_t NEWADDR[] = {
	0x20, 0,  0, 0, 20, 0, 0, 0, 0, 0, 0, 0, 0,   0, 0, 0,
	2,    24, 0, 0, 3,  0, 0, 0, 8, 0, 2, 0, 192, 0, 2, 7, /* IFA_LOCAL */
};

struct datagram {
	alignas(8) uint8_t bytes[512];
	size_t len_bytes;
};

static void add(struct datagram *d, const void *part, size_t len_bytes)
{
	memcpy(d->bytes + d->len_bytes, part, len_bytes);
	d->len_bytes += len_bytes;
}

static struct datagram datagram_of(const void *part, size_t len_bytes)
{
	struct datagram d = { .len_bytes = 0 };

	add(&d, part, len_bytes);
	return d;
}

static int first(const struct datagram *d, struct link_fact *ret)
{
	struct link_reader r = link_read(d->bytes, d->len_bytes);

	return link_next(&r, ret);
}

static void reads_a_link(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_fact f;

	(void)state;
	assert_int_equal(first(&d, &f), 1);
	assert_int_equal(f.event, LINK_SET);
	assert_int_equal(f.ifindex, 3);
	assert_string_equal(f.ifname, "eth0");
	assert_true(f.up && f.carrier);
	assert_int_equal(f.mac[5], 3);
	assert_int_equal(f.n_losses, 7);
}

static void a_link_that_is_down_has_no_carrier(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_fact f;

	(void)state;
	d.bytes[24] = 0; /* IFF_UP */
	assert_int_equal(first(&d, &f), 1);
	assert_false(f.up || f.carrier);
}

static void reads_several_messages_of_one_datagram(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_reader r;
	struct link_fact f;

	(void)state;
	add(&d, NEWADDR, sizeof(NEWADDR));
	add(&d, NEWROUTE, sizeof(NEWROUTE));
	r = link_read(d.bytes, d.len_bytes);
	assert_int_equal(link_next(&r, &f), 1);
	assert_int_equal(link_next(&r, &f), 1);
	assert_int_equal(f.event, LINK_ADDRESS_SET);
	assert_int_equal(f.address[3], 7);
	assert_int_equal(link_next(&r, &f), 1);
	assert_int_equal(f.event, LINK_GATEWAY_SET);
	assert_int_equal(f.ifindex, 3);
	assert_int_equal(f.address[3], 1);
	assert_int_equal(link_next(&r, &f), 0);
}

static void a_route_with_several_next_hops_is_for_every_link(void **state)
{
	struct datagram d = datagram_of(NEWROUTE, sizeof(NEWROUTE));
	struct link_fact f;

	(void)state;
	d.bytes[30] = 9; /* RTA_MULTIPATH in place of RTA_OIF */
	assert_int_equal(first(&d, &f), 1);
	assert_int_equal(f.event, LINK_GATEWAY_SET);
	assert_int_equal(f.ifindex, 0);
}

static void a_route_to_one_network_is_of_no_interest(void **state)
{
	struct datagram d = datagram_of(NEWROUTE, sizeof(NEWROUTE));
	struct link_fact f;

	(void)state;
	d.bytes[17] = 24; /* rtm_dst_len */
	assert_int_equal(first(&d, &f), 0);
}

static void refuses_a_name_without_its_end(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_fact f;

	(void)state;
	d.bytes[40] = 'x';
	assert_int_equal(first(&d, &f), -EBADMSG);
}

static void refuses_a_link_without_index_or_name(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_fact f;

	(void)state;
	d.bytes[20] = 0;
	assert_int_equal(first(&d, &f), -EBADMSG);
	d = datagram_of(NEWLINK, sizeof(NEWLINK));
	d.bytes[34] = 4; /* IFLA_MTU in place of IFLA_IFNAME */
	assert_int_equal(first(&d, &f), -EBADMSG);
}

static void passes_on_the_error_of_the_kernel(void **state)
{
	static const uint8_t busy[] = {
		0x24, 0,    0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0xff,
		0xff, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,    0,
	};
	struct datagram d = datagram_of(busy, sizeof(busy));
	struct link_fact f;

	(void)state;
	assert_int_equal(first(&d, &f), -EBUSY);
	d.bytes[19] = 0x7f; /* an error above zero */
	assert_int_equal(first(&d, &f), -EBADMSG);
}

static void every_truncation_is_refused_and_leaves_out_untouched(void **state)
{
	struct link_fact before, f;

	(void)state;
	memset(&before, 0xaa, sizeof(before));
	for (size_t n = 1; n < sizeof(NEWLINK); n++) {
		struct datagram d = datagram_of(NEWLINK, n);

		f = before;
		assert_int_equal(first(&d, &f), -EBADMSG);
		assert_memory_equal(&f, &before, sizeof(f));
	}
}

static void every_shorter_message_is_refused_or_tells_less(void **state)
{
	(void)state;
	for (uint8_t n = 0; n < sizeof(NEWROUTE); n++) {
		struct datagram d = datagram_of(NEWROUTE, sizeof(NEWROUTE));
		struct link_fact f = { 0 };
		int r;

		d.bytes[0] = n;
		d.len_bytes = n < 16 ? d.len_bytes : n;
		r = first(&d, &f);
		assert_true(r == -EBADMSG || (r == 1 && f.address[3] == 0));
	}
}

static void refuses_a_length_that_looks_negative(void **state)
{
	struct datagram d = datagram_of(NEWLINK, sizeof(NEWLINK));
	struct link_fact f;

	(void)state;
	memset(d.bytes, 0xff, 4);
	d.bytes[4] = 99; /* of no interest: would be stepped over by zero bytes, for ever */
	assert_int_equal(first(&d, &f), -EBADMSG);
}

/* The real thing: a fresh namespace has exactly one link. */
static void a_dump_of_a_fresh_namespace_tells_of_lo(void **state)
{
	alignas(8) static uint8_t buf[LINK_BUF_BYTES];
	struct link_fact f = { 0 }, seen = { 0 };
	int fd, n;

	(void)state;
	if (unshare(CLONE_NEWNET) < 0)
		skip_because("needs root");
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	assert_true(fd >= 0);
	assert_int_equal(link_subscribe(fd), 0);
	for (unsigned what = 0; what < N_LINK_DUMPS; what++) {
		assert_int_equal(link_dump_request(fd, (enum link_dump)what), 0);
		for (f.event = 0; f.event != LINK_DUMP_END;) {
			struct pollfd p = { .fd = fd, .events = POLLIN };
			struct link_reader r;

			assert_int_equal(poll(&p, 1, 5000), 1);
			n = nlrecv(fd, buf, sizeof(buf));
			assert_true(n > 0);
			r = link_read(buf, (size_t)n);
			while (link_next(&r, &f) == 1)
				if (f.event == LINK_SET)
					seen = f;
		}
	}
	assert_string_equal(seen.ifname, "lo");
	assert_int_equal(nlrecv(fd, buf, sizeof(buf)), -EAGAIN);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_a_link),
		cmocka_unit_test(a_link_that_is_down_has_no_carrier),
		cmocka_unit_test(reads_several_messages_of_one_datagram),
		cmocka_unit_test(a_route_with_several_next_hops_is_for_every_link),
		cmocka_unit_test(a_route_to_one_network_is_of_no_interest),
		cmocka_unit_test(refuses_a_name_without_its_end),
		cmocka_unit_test(refuses_a_link_without_index_or_name),
		cmocka_unit_test(passes_on_the_error_of_the_kernel),
		cmocka_unit_test(every_truncation_is_refused_and_leaves_out_untouched),
		cmocka_unit_test(every_shorter_message_is_refused_or_tells_less),
		cmocka_unit_test(refuses_a_length_that_looks_negative),
		cmocka_unit_test(a_dump_of_a_fresh_namespace_tells_of_lo),
	};

	return cmocka_run_group_tests_name("link", tests, NULL, NULL);
}
