/* grantwatch - when the kernel let PORT out, by the kernel's own word: the notifications of the map
 * "grant" in this namespace.
 *
 *	grantwatch PORT
 *
 * Prints "open AT UNTIL LATE" when a batch leaves an element for PORT in the map (UNTIL is its own end),
 * "closed AT" when one leaves none; AT is when the notification was read, which is after the change: by LATE
 * nanoseconds at most, when there was nothing to read yet.
 * "lost" when the kernel had more to say than was read. Times are CLOCK_MONOTONIC in nanoseconds. */
#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <libnftnl/set.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { BUFFER_BYTES = 64 << 20, LOOK_MS = 10 };

struct watch {
	const char *port;
	uint64_t until_ns; /* of the element that lasts longest; 0: none */
	uint64_t quiet_ns; /* the last time that there was nothing to read */
	bool touched;
};

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void die(const char *what)
{
	fprintf(stderr, "grantwatch: %s: %s\n", what, strerror(errno));
	exit(2);
}

static void take_elements(struct watch *w, const struct nlmsghdr *nlh, bool added)
{
	struct nftnl_set *set = nftnl_set_alloc();
	struct nftnl_set_elems_iter *each;
	struct nftnl_set_elem *element;
	const char *name;

	if (!set || nftnl_set_elems_nlmsg_parse(nlh, set) < 0)
		die("understand an element");
	name = nftnl_set_get_str(set, NFTNL_SET_NAME);
	each = nftnl_set_elems_iter_create(set);
	while (name && strcmp(name, "grant") == 0 &&
	       (element = nftnl_set_elems_iter_next(each)) != NULL) {
		uint32_t n_bytes;
		const char *in = nftnl_set_elem_get(element, NFTNL_SET_ELEM_KEY, &n_bytes);
		uint64_t until = now_ns();

		if (!in || strncmp(in, w->port, 16) != 0)
			continue;
		w->touched = true;
		if (!added) {
			w->until_ns = 0; /* a batch flushes, then adds */
			continue;
		}
		until += nftnl_set_elem_get_u64(element, NFTNL_SET_ELEM_TIMEOUT) * 1000000;
		if (until > w->until_ns)
			w->until_ns = until;
	}
	nftnl_set_elems_iter_destroy(each);
	nftnl_set_free(set);
}

static int take(const struct nlmsghdr *nlh, void *data)
{
	struct watch *w = data;

	switch (nlh->nlmsg_type & 0xff) {
	case NFT_MSG_NEWSETELEM:
		take_elements(w, nlh, true);
		break;
	case NFT_MSG_DELSETELEM:
		take_elements(w, nlh, false);
		break;
	case NFT_MSG_DELSET:
	case NFT_MSG_DELTABLE:
		w->until_ns = 0;
		w->touched = true;
		break;
	case NFT_MSG_NEWGEN: /* the end of a batch */
		if (w->touched && w->until_ns != 0)
			printf("open %llu %llu %llu\n", (unsigned long long)now_ns(),
			       (unsigned long long)w->until_ns,
			       (unsigned long long)(now_ns() - w->quiet_ns));
		else if (w->touched)
			printf("closed %llu\n", (unsigned long long)now_ns());
		w->touched = false;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

int main(int argc, char **argv)
{
	static char buf[1 << 16];
	struct watch w = { .port = argv[argc - 1] };
	struct mnl_socket *nl = mnl_socket_open(NETLINK_NETFILTER);
	int group = NFNLGRP_NFTABLES, size_bytes = BUFFER_BYTES;

	if (argc != 2 || !nl || mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size_bytes,
		       sizeof(size_bytes)) < 0 ||
	    mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0)
		die("listen");
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	fputs("ready\n", stderr);
	for (;;) {
		struct pollfd pfd = { .fd = mnl_socket_get_fd(nl), .events = POLLIN };
		uint64_t looked_ns;
		ssize_t n;

		while (looked_ns = now_ns(), poll(&pfd, 1, 0) == 0) {
			w.quiet_ns = looked_ns;
			(void)poll(&pfd, 1, LOOK_MS);
		}
		n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || mnl_cb_run(buf, (size_t)n, 0, 0, take, &w) < 0) {
			puts("lost");
			die("read");
		}
	}
}
