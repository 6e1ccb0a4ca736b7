/* send - everything that the personal OS may try to be heard with; each try carries a token.
 *
 *	send tcp ADDRESS PORT TOKEN          connect, say "connected", then stream until killed
 *	send new ADDRESS PORT TOKEN COUNT    COUNT new TCP flows (their first packet carries the token)
 *	send udp ADDRESS PORT TOKEN COUNT    datagrams
 *	send dns SERVER TOKEN COUNT          queries for TOKEN.example
 *	send icmp ADDRESS TOKEN COUNT        echo requests, v4 or v6
 *	send packet LINK MAC TOKEN COUNT     frames through a packet socket, by way of the queue
 *	send bypass LINK MAC TOKEN COUNT     the same past the queue
 *	send raw LINK MAC TOKEN COUNT        both
 *	send xdp LINK MAC TOKEN COUNT        frames through AF_XDP, in copy mode
 *
 * MAC is the one to send to. Prints "sent N refused M"; being refused is no error here. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/if_xdp.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netdb.h>
#include <netinet/ether.h>
#include <netinet/icmp6.h>
#include <netinet/in.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/util.h"

enum {
	PACE_MS = 10, /* between two tries: a stream, not a flood */
	CONNECT_MS = 2000,
	TOKEN_MAX_BYTES = 63, /* one DNS label */
	FRAME_MAX_BYTES = 512,
	ETHERTYPE_LOCAL = 0x88b5, /* IEEE 802: local experimental */
	XDP_FRAMES = 64,
	XDP_FRAME_BYTES = 2048,
};

struct tally {
	unsigned sent;
	unsigned refused;
};

static void die(const char *what, const char *object)
{
	fprintf(stderr, "send: %s '%s': %s\n", what, object, strerror(errno));
	exit(1);
}

static void pace(void)
{
	(void)poll(NULL, 0, PACE_MS);
}

static void count(struct tally *tally, ssize_t result)
{
	if (result >= 0)
		tally->sent++;
	else
		tally->refused++;
	pace();
}

static void resolve(const char *address, const char *port, struct sockaddr_storage *ret,
		    socklen_t *ret_bytes)
{
	struct addrinfo hints = { .ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_DGRAM };
	struct addrinfo *found;

	errno = EINVAL;
	if (getaddrinfo(address, port, &hints, &found) != 0)
		die("understand address", address);
	memcpy(ret, found->ai_addr, found->ai_addrlen);
	*ret_bytes = found->ai_addrlen;
	freeaddrinfo(found);
}

static void try_tcp_stream(const char *address, const char *port, const char *token)
{
	struct sockaddr_storage to;
	struct pollfd pfd = { .events = POLLOUT };
	socklen_t to_bytes;
	int error = 0;
	socklen_t error_bytes = sizeof(error);

	resolve(address, port, &to, &to_bytes);
	pfd.fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (pfd.fd < 0)
		die("open a socket to", address);
	if (connect(pfd.fd, (struct sockaddr *)&to, to_bytes) < 0 && errno != EINPROGRESS)
		die("connect to", address);
	if (poll(&pfd, 1, CONNECT_MS) != 1)
		errno = ETIMEDOUT;
	else if (getsockopt(pfd.fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) == 0)
		errno = error;
	if (errno != 0 && (error != 0 || errno == ETIMEDOUT))
		die("connect to", address);
	puts("connected");
	fflush(stdout);
	for (;;) { /* a full buffer is no reason to stop: the kernel sends again by itself */
		if (send(pfd.fd, token, strlen(token), MSG_NOSIGNAL) < 0 && errno != EAGAIN)
			die("stream to", address);
		pace();
	}
}

/* A new flow whose first packet, the SYN, already holds the token (RFC 7413; the lab sets the bit of
 * tcp_fastopen that needs no cookie): so a refused flow can be told from one never tried. */
static void try_new(const char *address, const char *port, const char *token, unsigned n,
		    struct tally *ret)
{
	struct sockaddr_storage to;
	socklen_t to_bytes;

	resolve(address, port, &to, &to_bytes);
	for (unsigned i = 0; i < n; i++) {
		int fd = socket(to.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

		if (fd < 0)
			die("open a socket to", address);
		count(ret, sendto(fd, token, strlen(token), MSG_FASTOPEN | MSG_NOSIGNAL,
				  (struct sockaddr *)&to, to_bytes));
		close(fd);
	}
}

static void try_udp(const char *address, const char *port, const void *data, size_t len_bytes,
		    unsigned n, struct tally *ret)
{
	struct sockaddr_storage to;
	socklen_t to_bytes;
	int fd;

	resolve(address, port, &to, &to_bytes);
	fd = socket(to.ss_family, SOCK_DGRAM, 0);
	if (fd < 0)
		die("open a socket to", address);
	for (unsigned i = 0; i < n; i++)
		count(ret, sendto(fd, data, len_bytes, 0, (struct sockaddr *)&to, to_bytes));
	close(fd);
}

static void try_dns(const char *server, const char *token, unsigned n, struct tally *ret)
{
	/* RFC 1035 4.1: id, recursion desired, one question */
	static const uint8_t HEAD[] = { 0x62, 0x6b, 1, 0, 0, 1, 0, 0, 0, 0, 0, 0 };
	static const uint8_t TAIL[] = { 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0, 0, 1, 0, 1 };
	uint8_t query[sizeof(HEAD) + 1 + TOKEN_MAX_BYTES + sizeof(TAIL)];
	size_t label_bytes = strlen(token);

	memcpy(query, HEAD, sizeof(HEAD));
	query[sizeof(HEAD)] = (uint8_t)label_bytes;
	memcpy(query + sizeof(HEAD) + 1, token, label_bytes);
	memcpy(query + sizeof(HEAD) + 1 + label_bytes, TAIL, sizeof(TAIL));
	try_udp(server, "53", query, sizeof(HEAD) + 1 + label_bytes + sizeof(TAIL), n, ret);
}

static uint16_t inet_sum(const void *data, size_t len_bytes)
{
	const uint8_t *byte = data;
	uint32_t sum = 0;

	for (size_t i = 0; i < len_bytes; i++)
		sum += i % 2 ? byte[i] : (uint32_t)byte[i] << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static void try_icmp(const char *address, const char *token, unsigned n, struct tally *ret)
{
	uint8_t packet[sizeof(struct icmphdr) + TOKEN_MAX_BYTES] = { 0 };
	size_t len_bytes = sizeof(struct icmphdr) + strlen(token);
	struct icmphdr head = { .type = ICMP_ECHO };
	struct sockaddr_storage to;
	socklen_t to_bytes;
	int fd;

	resolve(address, "0", &to, &to_bytes);
	if (to.ss_family == AF_INET6)
		head.type = ICMP6_ECHO_REQUEST; /* same layout; the kernel adds the sum */
	memcpy(packet, &head, sizeof(head));
	memcpy(packet + sizeof(head), token, strlen(token));
	if (to.ss_family == AF_INET) {
		uint16_t sum = inet_sum(packet, len_bytes);

		memcpy(packet + 2, &sum, sizeof(sum));
	}
	fd = socket(to.ss_family, SOCK_RAW,
		    to.ss_family == AF_INET6 ? (int)IPPROTO_ICMPV6 : (int)IPPROTO_ICMP);
	if (fd < 0)
		die("open a raw socket to", address);
	for (unsigned i = 0; i < n; i++)
		count(ret, sendto(fd, packet, len_bytes, 0, (struct sockaddr *)&to, to_bytes));
	close(fd);
}

static void own_mac(const char *ifname, uint8_t ret_mac[ETH_ALEN])
{
	struct ifreq request = { 0 };
	int fd =
		socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0); /* /sys may show another namespace */

	memcpy(request.ifr_name, ifname, strnlen(ifname, IFNAMSIZ - 1));
	if (fd < 0 || ioctl(fd, SIOCGIFHWADDR, &request) < 0)
		die("read the address of", ifname);
	memcpy(ret_mac, request.ifr_hwaddr.sa_data, ETH_ALEN);
	close(fd);
}

/* A frame of a type that nobody routes: whoever lets it through bridges or leaks. */
static size_t frame_build(const char *ifname, const char *to, const char *token,
			  uint8_t ret[FRAME_MAX_BYTES])
{
	struct ether_addr mac;
	size_t len_bytes = 14;

	errno = EINVAL;
	if (!ether_aton_r(to, &mac))
		die("understand address", to);
	memset(ret, 0, FRAME_MAX_BYTES);
	memcpy(ret, &mac, ETH_ALEN);
	own_mac(ifname, ret + 6);
	ret[12] = ETHERTYPE_LOCAL >> 8;
	ret[13] = ETHERTYPE_LOCAL & 0xff;
	memcpy(ret + len_bytes, token, strlen(token));
	len_bytes += strlen(token);
	return len_bytes < ETH_ZLEN ? ETH_ZLEN : len_bytes;
}

static void try_packet(const char *ifname, const char *to, const char *token, unsigned n,
		       int bypass, struct tally *ret)
{
	struct sockaddr_ll link = { .sll_family = AF_PACKET,
				    .sll_protocol = htons(ETHERTYPE_LOCAL) };
	uint8_t frame[FRAME_MAX_BYTES];
	size_t len_bytes = frame_build(ifname, to, token, frame);
	int fd;

	link.sll_ifindex = (int)if_nametoindex(ifname);
	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &bypass, sizeof(bypass)) < 0)
		die("open a packet socket on", ifname);
	for (unsigned i = 0; i < n; i++)
		count(ret, send(fd, frame, len_bytes, 0));
	close(fd);
}

/* Transmit ring of an AF_XDP socket; no program is attached: sending needs none. */
static uint32_t *xdp_ring(int fd, const char *ifname, uint8_t *frames, struct xdp_desc **ret_desc)
{
	struct xdp_umem_reg memory = { .addr = (uint64_t)(uintptr_t)frames,
				       .len = XDP_FRAMES * XDP_FRAME_BYTES,
				       .chunk_size = XDP_FRAME_BYTES };
	struct sockaddr_xdp link = { .sxdp_family = AF_XDP,
				     .sxdp_flags = XDP_COPY,
				     .sxdp_ifindex = if_nametoindex(ifname) };
	struct xdp_mmap_offsets at;
	socklen_t at_bytes = sizeof(at);
	int n = XDP_FRAMES;
	uint8_t *ring;

	if (setsockopt(fd, SOL_XDP, XDP_UMEM_REG, &memory, sizeof(memory)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_FILL_RING, &n, sizeof(n)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_UMEM_COMPLETION_RING, &n, sizeof(n)) < 0 ||
	    setsockopt(fd, SOL_XDP, XDP_TX_RING, &n, sizeof(n)) < 0 ||
	    getsockopt(fd, SOL_XDP, XDP_MMAP_OFFSETS, &at, &at_bytes) < 0)
		die("set up AF_XDP on", ifname);
	ring = mmap(NULL, at.tx.desc + XDP_FRAMES * sizeof(struct xdp_desc), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_POPULATE, fd, XDP_PGOFF_TX_RING);
	if (ring == MAP_FAILED || bind(fd, (struct sockaddr *)&link, sizeof(link)) < 0)
		die("bind AF_XDP to", ifname);
	*ret_desc = (struct xdp_desc *)(void *)(ring + at.tx.desc);
	return (uint32_t *)(void *)(ring + at.tx.producer);
}

static void try_xdp(const char *ifname, const char *to, const char *token, unsigned n,
		    struct tally *ret)
{
	uint8_t *frames = mmap(NULL, XDP_FRAMES * XDP_FRAME_BYTES, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	struct xdp_desc *desc;
	uint32_t *producer;

	if (frames == MAP_FAILED || fd < 0)
		die("open AF_XDP on", ifname);
	producer = xdp_ring(fd, ifname, frames, &desc);
	for (unsigned i = 0; i < MIN(n, (unsigned)XDP_FRAMES); i++) {
		uint8_t *frame = frames + (size_t)i * XDP_FRAME_BYTES;

		desc[i] = (struct xdp_desc){ .addr = (uint64_t)i * XDP_FRAME_BYTES };
		desc[i].len = (uint32_t)frame_build(ifname, to, token, frame);
		__atomic_store_n(producer, i + 1, __ATOMIC_RELEASE);
		count(ret, sendto(fd, NULL, 0, MSG_DONTWAIT, NULL, 0));
	}
	close(fd);
}

static const char *token_of(int argc, char **argv)
{
	const char *token = argv[argc - (strcmp(argv[1], "tcp") == 0 ? 1 : 2)];

	errno = EINVAL;
	if (strlen(token) > TOKEN_MAX_BYTES || strlen(token) < 8)
		die("take as a token", token);
	return token;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int argc;
	} VERBS[] = { { "tcp", 5 }, { "new", 6 },    { "udp", 6 },    { "dns", 5 }, { "icmp", 5 },
		      { "raw", 6 }, { "packet", 6 }, { "bypass", 6 }, { "xdp", 6 } };
	struct tally tally = { 0 };
	unsigned verb = 0;
	unsigned n;
	const char *token;

	while (verb < ARRAY_LEN(VERBS) &&
	       (argc != VERBS[verb].argc || strcmp(argv[1], VERBS[verb].name) != 0))
		verb++;
	if (verb == ARRAY_LEN(VERBS)) {
		fputs("usage: send tcp|new|udp|dns|icmp|packet|bypass|raw|xdp ..., see its first "
		      "lines\n",
		      stderr);
		return 2;
	}
	token = token_of(argc, argv);
	n = (unsigned)strtoul(argv[argc - 1], NULL, 10);
	switch (argv[1][0]) {
	case 't':
		try_tcp_stream(argv[2], argv[3], token);
		break;
	case 'n':
		try_new(argv[2], argv[3], token, n, &tally);
		break;
	case 'u':
		try_udp(argv[2], argv[3], token, strlen(token), n, &tally);
		break;
	case 'd':
		try_dns(argv[2], token, n, &tally);
		break;
	case 'i':
		try_icmp(argv[2], token, n, &tally);
		break;
	case 'p':
	case 'b':
	case 'r':
		if (argv[1][0] != 'b')
			try_packet(argv[2], argv[3], token, n, 0, &tally);
		if (argv[1][0] != 'p')
			try_packet(argv[2], argv[3], token, n, 1, &tally);
		break;
	default:
		try_xdp(argv[2], argv[3], token, n, &tally);
	}
	printf("sent %u refused %u\n", tally.sent, tally.refused);
	return 0;
}
