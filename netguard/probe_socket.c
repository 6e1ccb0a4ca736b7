#include "netguard/probe_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};

int probe_socket_prepare(int fd, int family)
{
	static const int on = 1;
	bool v6 = family == AF_INET6;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	if (setsockopt(fd, level, v6 ? IPV6_RECVPKTINFO : IP_PKTINFO, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, level, v6 ? IPV6_RECVHOPLIMIT : IP_RECVTTL, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static socklen_t to_sockaddr(const struct probe_peer *peer, union address *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (peer->family == AF_INET) {
		ret->in.sin_family = AF_INET;
		ret->in.sin_port = htons(peer->port);
		memcpy(&ret->in.sin_addr, peer->address, 4);
		return sizeof(ret->in);
	}
	ret->in6.sin6_family = AF_INET6;
	ret->in6.sin6_port = htons(peer->port);
	ret->in6.sin6_scope_id = peer->scope;
	memcpy(&ret->in6.sin6_addr, peer->address, 16);
	return sizeof(ret->in6);
}

static void from_sockaddr(const union address *a, struct probe_peer *ret)
{
	memset(ret, 0, sizeof(*ret));
	ret->family = a->any.sa_family;
	if (ret->family == AF_INET) {
		ret->port = ntohs(a->in.sin_port);
		memcpy(ret->address, &a->in.sin_addr, 4);
	} else if (ret->family == AF_INET6) {
		ret->port = ntohs(a->in6.sin6_port);
		ret->scope = a->in6.sin6_scope_id;
		memcpy(ret->address, &a->in6.sin6_addr, 16);
	}
}

int probe_socket_send(int fd, const struct probe_peer *to, const uint8_t data[BEACON_PROBE_BYTES])
{
	union address a;
	struct iovec iov = { .iov_len = BEACON_PROBE_BYTES };
	struct msghdr h = { .msg_name = &a, .msg_iov = &iov, .msg_iovlen = 1 };

	memcpy(&iov.iov_base, &data, sizeof(iov.iov_base)); /* sendmsg() does not write */
	h.msg_namelen = to_sockaddr(to, &a);
	return sendmsg(fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

static void read_control(struct msghdr *h, struct probe_datagram *ret)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(h); c; c = CMSG_NXTHDR(h, c)) {
		struct in_pktinfo info;
		struct in6_pktinfo info6;
		int hops;

		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(ret->own_address, &info.ipi_addr, 4);
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			memcpy(&info6, CMSG_DATA(c), sizeof(info6));
			memcpy(ret->own_address, &info6.ipi6_addr, 16);
		} else if ((c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_TTL) ||
			   (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_HOPLIMIT)) {
			memcpy(&hops, CMSG_DATA(c), sizeof(hops));
			ret->hop_limit = (uint8_t)hops;
		}
	}
}

int probe_socket_receive(int fd, struct probe_datagram *ret)
{
	union {
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo)) + CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct probe_datagram d = { 0 };
	struct iovec iov = { .iov_base = d.data, .iov_len = sizeof(d.data) };
	union address a = { 0 };
	struct msghdr h = {
		.msg_name = &a,
		.msg_namelen = sizeof(a),
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.space,
		.msg_controllen = sizeof(control.space),
	};
	ssize_t n = recvmsg(fd, &h, MSG_DONTWAIT);

	if (n < 0)
		return -errno;
	d.len_bytes = (uint32_t)n;
	from_sockaddr(&a, &d.from);
	read_control(&h, &d);
	*ret = d;
	return 0;
}
