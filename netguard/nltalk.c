#include "netguard/nltalk.h"

#include <errno.h>
#include <stdbool.h>

#include <sys/socket.h>
#include <linux/netlink.h>

/* The kernel makes dump messages of up to 32 KiB when the reader's buffer takes them. */
enum { REPLY_BYTES = 32768 };

struct answer {
	unsigned n_acks;
	unsigned n_messages;
	int first_error;
	mnl_cb_t cb;
	void *data;
};

int nltalk_open(int bus, struct mnl_socket **ret)
{
	struct mnl_socket *nl = mnl_socket_open2(bus, SOCK_CLOEXEC | SOCK_NONBLOCK);
	int on = 1, r;

	if (!nl)
		return -errno;
	/* CAP_ACK: an error does not repeat the request, which may be large */
	if (mnl_socket_bind(nl, 0, MNL_SOCKET_AUTOPID) < 0 ||
	    mnl_socket_setsockopt(nl, NETLINK_CAP_ACK, &on, sizeof(on)) < 0) {
		r = -errno;
		nltalk_close(nl);
		return r;
	}
	*ret = nl;
	return 0;
}

void nltalk_close(struct mnl_socket *nl)
{
	if (nl)
		(void)mnl_socket_close(nl);
}

static void take_one(const struct nlmsghdr *nlh, struct answer *a)
{
	const struct nlmsgerr *error;

	/* the table changed under the dump: it may be incomplete */
	if (nlh->nlmsg_flags & NLM_F_DUMP_INTR && a->first_error == 0)
		a->first_error = -EINTR;
	if (nlh->nlmsg_type == NLMSG_ERROR) {
		error = mnl_nlmsg_get_payload(nlh);
		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*error))
			a->first_error = -EPROTO;
		else if (error->error == 0)
			a->n_acks++;
		else if (a->first_error == 0)
			a->first_error = error->error;
	} else if (nlh->nlmsg_type >= NLMSG_MIN_TYPE) {
		a->n_messages++;
		if (a->cb && a->cb(nlh, a->data) < 0 && a->first_error == 0)
			a->first_error = -EPROTO;
	}
}

static int take_all(struct mnl_socket *nl, struct answer *a)
{
	_Alignas(struct nlmsghdr) char buf[REPLY_BYTES];

	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, buf, sizeof(buf));
		const struct nlmsghdr *nlh = (const void *)buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? a->first_error : -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			take_one(nlh, a);
	}
}

static int send_all(struct mnl_socket *nl, const void *requests, size_t requests_bytes)
{
	if (mnl_socket_sendto(nl, requests, requests_bytes) < 0)
		return -errno;
	return 0;
}

int nltalk_send(struct mnl_socket *nl, const void *requests, size_t requests_bytes, unsigned n_acks)
{
	struct answer a = { 0 };
	int r = send_all(nl, requests, requests_bytes);

	if (r < 0)
		return r;
	r = take_all(nl, &a);
	if (r < 0)
		return r;
	return a.n_acks == n_acks ? 0 : -EPROTO;
}

int nltalk_get(struct mnl_socket *nl, const struct nlmsghdr *request, mnl_cb_t cb, void *data)
{
	struct answer a = { .cb = cb, .data = data };
	int r = send_all(nl, request, request->nlmsg_len);

	if (r < 0)
		return r;
	r = take_all(nl, &a);
	if (r < 0)
		return r;
	return a.n_messages > 0 ? 0 : -ENODATA;
}
