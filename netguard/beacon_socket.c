#include "netguard/beacon_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <linux/filter.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>

#include "base/defer.h"
#include "base/util.h"

#include "netguard/beacon_wire.h"
#include "netguard/frame.h"
#include "netguard/probe_socket.h"

enum {
	HOP_LIMIT = 255,       /* RFC 5082: the laptop sees that no router has touched it */
	QUEUE_BYTES = 4 << 20, /* some thousand probes: a whole site that comes up at once */
	WHOLE_FRAME = 0xffff,
	FRAME_BYTES = 2048,
};

/* UDP to our port, over IPv4 that is no fragment (RFC 791 3.1) or over IPv6 without extension
 * headers, in an untagged frame; everything else never reaches us. */
static const struct sock_filter probe_filter[] = {
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IP, 0, 7),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 9),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 11),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 6),
	BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, 0x3fff, 9, 0),
	BPF_STMT(BPF_LDX | BPF_B | BPF_MSH, 14),
	BPF_STMT(BPF_LD | BPF_H | BPF_IND, 14 + 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BEACON_PORT, 5, 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETH_P_IPV6, 0, 5),
	BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 14 + 6),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_UDP, 0, 3),
	BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 14 + 40 + 2),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, BEACON_PORT, 0, 1),
	BPF_STMT(BPF_RET | BPF_K, WHOLE_FRAME),
	BPF_STMT(BPF_RET | BPF_K, 0),
};

static const struct sock_filter nothing_filter[] = { BPF_STMT(BPF_RET | BPF_K, 0) };

static int lock_filter(int fd, const struct sock_filter *filter, size_t n)
{
	static const int on = 1;
	struct sock_fprog program = { .len = (unsigned short)n };

	memcpy(&program.filter, &filter, sizeof(program.filter)); /* the kernel only reads it */
	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_LOCK_FILTER, &on, sizeof(on)) < 0)
		return -errno;
	return 0;
}

static int open_packet(uint32_t ifindex, int *ret_fd)
{
	static const int queue_bytes = QUEUE_BYTES;
	const struct sockaddr_ll a = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = (int)ifindex,
	};
	/* protocol 0: it hears nothing before it is filtered and bound */
	OWNS_FD int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -errno;
	r = lock_filter(fd, probe_filter, ARRAY_LEN(probe_filter));
	if (r < 0)
		return r;
	(void)setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &queue_bytes, sizeof(queue_bytes)); /* a wish */
	if (bind(fd, (const struct sockaddr *)&a, sizeof(a)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static bool set_hops(int fd, bool v6)
{
	static const int hops = HOP_LIMIT;
	int level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;

	return setsockopt(fd, level, v6 ? IPV6_UNICAST_HOPS : IP_TTL, &hops, sizeof(hops)) == 0 &&
	       setsockopt(fd, level, v6 ? IPV6_MULTICAST_HOPS : IP_MULTICAST_TTL, &hops,
			  sizeof(hops)) == 0;
}

/* Beside a packet socket it only speaks; in a tunnel it also hears, and what came how. */
static int open_udp(const char *ifname, int family, bool tunnel, int *ret_fd)
{
	static const int on = 1;
	const struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(BEACON_PORT) };
	const struct sockaddr_in6 a6 = { .sin6_family = AF_INET6, .sin6_port = htons(BEACON_PORT) };
	bool v6 = family == AF_INET6;
	OWNS_FD int fd = socket(family, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, IPPROTO_UDP);
	int r;

	if (fd < 0)
		return -errno;
	r = tunnel ? probe_socket_prepare(fd, family)
		   : lock_filter(fd, nothing_filter, ARRAY_LEN(nothing_filter));
	if (r < 0)
		return r;
	if (setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0 ||
	    !set_hops(fd, v6) ||
	    (v6 && setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on)) < 0) ||
	    bind(fd, v6 ? (const struct sockaddr *)&a6 : (const struct sockaddr *)&a4,
		 v6 ? sizeof(a6) : sizeof(a4)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

void beacon_socket_close(struct beacon_socket *s)
{
	defer_close(&s->packet_fd);
	defer_close(&s->udp4_fd);
	defer_close(&s->udp6_fd);
	s->packet_fd = s->udp4_fd = s->udp6_fd = -1;
}

int beacon_socket_open(const char *ifname, bool tunnel, struct beacon_socket *ret)
{
	struct beacon_socket s = { .packet_fd = -1, .udp4_fd = -1, .udp6_fd = -1 };
	int r;

	s.ifindex = if_nametoindex(ifname);
	if (s.ifindex == 0)
		return -errno;
	r = open_udp(ifname, AF_INET, tunnel, &s.udp4_fd);
	if (r == 0)
		r = open_udp(ifname, AF_INET6, tunnel, &s.udp6_fd);
	if (r == 0 && !tunnel)
		r = open_packet(s.ifindex, &s.packet_fd);
	if (r < 0) {
		beacon_socket_close(&s);
		return r;
	}
	*ret = s;
	return 0;
}

static int receive_frame(const struct beacon_socket *s, struct beacon_query *ret)
{
	uint8_t buf[FRAME_BYTES];
	struct sockaddr_ll from = { 0 };
	struct iovec iov = { .iov_base = buf, .iov_len = sizeof(buf) };
	struct msghdr h = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};
	ssize_t n = recvmsg(s->packet_fd, &h, MSG_DONTWAIT);
	struct frame f;

	if (n < 0)
		return -errno;
	if (from.sll_pkttype != PACKET_HOST || (h.msg_flags & MSG_TRUNC) ||
	    frame_parse(buf, (size_t)n, &f) < 0 || !f.is_udp || f.destination_port != BEACON_PORT ||
	    f.vlan_id != 0 || bytes_left(&f.payload) > sizeof(ret->data))
		return -EBADMSG;
	ret->from.seen =
		(struct beacon_observed){ .family = f.ip_version, .hop_limit = f.hop_limit };
	memcpy(ret->from.seen.mac, f.source_mac, sizeof(ret->from.seen.mac));
	memcpy(ret->from.seen.address, f.source, sizeof(ret->from.seen.address));
	memcpy(ret->from.own_address, f.destination, sizeof(ret->from.own_address));
	ret->from.port = f.source_port;
	ret->len_bytes = bytes_left(&f.payload);
	memcpy(ret->data, f.payload.at, ret->len_bytes);
	return 0;
}

static int receive_udp(int fd, struct beacon_query *ret)
{
	struct probe_datagram d;
	int r = probe_socket_receive(fd, &d);

	if (r < 0)
		return r;
	ret->from.seen = (struct beacon_observed){ .family = d.from.family == AF_INET ? 4 : 6,
						   .hop_limit = d.hop_limit };
	memcpy(ret->from.seen.address, d.from.address, sizeof(ret->from.seen.address));
	memcpy(ret->from.own_address, d.own_address, sizeof(ret->from.own_address));
	ret->from.port = d.from.port;
	ret->len_bytes = d.len_bytes;
	memcpy(ret->data, d.data, sizeof(ret->data));
	return 0;
}

int beacon_socket_receive(const struct beacon_socket *s, struct beacon_query *ret)
{
	int r;

	if (s->packet_fd >= 0)
		return receive_frame(s, ret);
	r = receive_udp(s->udp4_fd, ret);
	return r == -EAGAIN ? receive_udp(s->udp6_fd, ret) : r;
}

/* source: the address of ours that the datagram leaves from, NULL: the kernel chooses. */
static int send_ip(const struct beacon_socket *s, unsigned ip_version, const uint8_t *to,
		   uint16_t port, const uint8_t *source, const uint8_t *data, size_t len_bytes)
{
	bool v6 = ip_version == 6;
	struct sockaddr_in a4 = { .sin_family = AF_INET, .sin_port = htons(port) };
	struct sockaddr_in6 a6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(port),
				   .sin6_scope_id = s->ifindex };
	struct in_pktinfo info4 = { .ipi_ifindex = (int)s->ifindex };
	struct in6_pktinfo info6 = { .ipi6_ifindex = s->ifindex };
	union {
		char space[CMSG_SPACE(sizeof(struct in6_pktinfo))];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct iovec iov = { .iov_len = len_bytes };
	struct msghdr h = {
		.msg_name = v6 ? (void *)&a6 : (void *)&a4,
		.msg_namelen = v6 ? sizeof(a6) : sizeof(a4),
		.msg_iov = &iov,
		.msg_iovlen = 1,
	};

	memcpy(v6 ? (void *)&a6.sin6_addr : (void *)&a4.sin_addr, to, v6 ? 16 : 4);
	memcpy(&iov.iov_base, &data, sizeof(data)); /* sendmsg() does not write */
	if (source) {
		struct cmsghdr *c = &control.align;
		size_t info_bytes = v6 ? sizeof(info6) : sizeof(info4);

		memcpy(v6 ? (void *)&info6.ipi6_addr : (void *)&info4.ipi_spec_dst, source,
		       v6 ? 16 : 4);
		h.msg_control = control.space;
		h.msg_controllen = CMSG_SPACE(info_bytes);
		c->cmsg_level = v6 ? IPPROTO_IPV6 : IPPROTO_IP;
		c->cmsg_type = v6 ? IPV6_PKTINFO : IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(info_bytes);
		memcpy(CMSG_DATA(c), v6 ? (void *)&info6 : (void *)&info4, info_bytes);
	}
	return sendmsg(v6 ? s->udp6_fd : s->udp4_fd, &h, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno
											  : 0;
}

int beacon_socket_reply(const struct beacon_socket *s, const struct beacon_asker *to,
			const uint8_t *data, size_t len_bytes)
{
	return send_ip(s, to->seen.family, to->seen.address, to->port, to->own_address, data,
		       len_bytes);
}

int beacon_socket_announce(const struct beacon_socket *s, const uint8_t *data, size_t len_bytes)
{
	static const uint8_t all4[4] = { 224, 0, 0, 1 };
	static const uint8_t all6[16] = { 0xff, 0x02, [15] = 0x01 };
	int r4 = send_ip(s, 4, all4, BEACON_PORT, NULL, data, len_bytes);
	int r6 = send_ip(s, 6, all6, BEACON_PORT, NULL, data, len_bytes);

	return r6 < 0 ? r6 : r4;
}
