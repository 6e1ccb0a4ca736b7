/* net_forge - packets that no honest program sends, each with a token.
 *
 *	net_forge udp SOURCE DESTINATION SPORT DPORT TOKEN COUNT   any source address, v4 or v6
 *	net_forge esp SOURCE DESTINATION TOKEN COUNT               the same, protocol 50
 *	net_forge icmp SOURCE DESTINATION TYPE TOKEN COUNT         the same, ICMP or ICMPv6
 *	net_forge frame LINK UID MARK TOKEN COUNT                  packet socket that root opened
 *	                                                           and marked, used by UID
 *	net_forge socket UID DESTINATION SPORT DPORT TOKEN COUNT   ordinary UDP from a socket of UID,
 *	                                                           with the mark FORGE_MARK
 *	net_forge flows DESTINATION DPORT COUNT                    COUNT UDP flows, to DPORT and up
 *	net_forge echo PORT                                        answers datagrams until killed
 *	net_forge echo-at ADDRESS PORT                             the same, from that address; says
 *	                                                           "from PORT" of each
 *	net_forge spread FIRST DPORT COUNT                         UDP to COUNT addresses, from FIRST up
 *	net_forge own-frame LINK UID TYPE TOKEN COUNT              packet socket that UID opened
 *	net_forge ask udp|tcp UID ADDRESS PORT                     a question from a socket of UID: says
 *	                                                           "answer", "silence" or the error
 *
 * Prints "sent N refused M"; being refused is no error here. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <linux/if_packet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/udp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	PACKET_BYTES = 256,
	ETHERTYPE_LOCAL = 0x88b5,
	TTL = 64,
	FLOWS_PER_PORT = 5000,
	ANSWER_MS = 6000, /* the kernel gives up on a neighbour after three seconds */
};

static void die(const char *what)
{
	fprintf(stderr, "net_forge: %s: %s\n", what, strerror(errno));
	exit(1);
}

static unsigned number(const char *text)
{
	return (unsigned)strtoul(text, NULL, 0);
}

static void say(unsigned sent, unsigned tried)
{
	printf("sent %u refused %u\n", sent, tried - sent);
}

static struct sockaddr_storage address_of(const char *text, unsigned port)
{
	struct sockaddr_storage a = { 0 };
	struct sockaddr_in *in4 = (void *)&a;
	struct sockaddr_in6 *in6 = (void *)&a;

	if (inet_pton(AF_INET, text, &in4->sin_addr) == 1) {
		in4->sin_family = AF_INET;
		in4->sin_port = htons((uint16_t)port);
	} else if (inet_pton(AF_INET6, text, &in6->sin6_addr) == 1) {
		in6->sin6_family = AF_INET6;
		in6->sin6_port = htons((uint16_t)port);
	} else {
		errno = EINVAL;
		die(text);
	}
	return a;
}

static uint32_t sum(const void *data, size_t len_bytes, uint32_t start)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < len_bytes; i++)
		start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return start;
}

/* UDP with the checksum that IPv6 demands (RFC 8200 8.1). */
static size_t udp_build(uint8_t *out, const struct sockaddr_storage *from,
			const struct sockaddr_storage *to, char **argv)
{
	size_t n = strlen(argv[4]), len = sizeof(struct udphdr) + n;
	struct udphdr udp = { .source = htons((uint16_t)number(argv[2])),
			      .dest = htons((uint16_t)number(argv[3])),
			      .len = htons((uint16_t)len) };
	uint32_t s = IPPROTO_UDP + (uint32_t)len;

	memcpy(out + sizeof(udp), argv[4], n);
	if (from->ss_family == AF_INET6) {
		s = sum(&((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16, s);
		s = sum(&((const struct sockaddr_in6 *)(const void *)to)->sin6_addr, 16, s);
		s = sum(&udp, sizeof(udp), s);
		s = sum(out + sizeof(udp), n, s);
		s = (s & 0xffff) + (s >> 16);
		s = (s & 0xffff) + (s >> 16);
		udp.check = htons((uint16_t)~s);
	}
	memcpy(out, &udp, sizeof(udp));
	return len;
}

/* In place: the body already stands behind where the header comes. Returns the whole length. */
static size_t ip_build(uint8_t *out, const struct sockaddr_storage *from,
		       const struct sockaddr_storage *to, uint8_t protocol, size_t body_bytes)
{
	if (from->ss_family == AF_INET) {
		struct iphdr ip = {
			.version = 4,
			.ihl = 5,
			.ttl = TTL,
			.protocol = protocol,
			.tot_len = htons((uint16_t)(sizeof(ip) + body_bytes)),
			.saddr = ((const struct sockaddr_in *)(const void *)from)->sin_addr.s_addr,
			.daddr = ((const struct sockaddr_in *)(const void *)to)->sin_addr.s_addr,
		};

		memcpy(out, &ip, sizeof(ip)); /* the kernel fills id and checksum */
		return sizeof(ip) + body_bytes;
	}
	struct ip6_hdr ip = { 0 };

	ip.ip6_src = ((const struct sockaddr_in6 *)(const void *)from)->sin6_addr;
	ip.ip6_dst = ((const struct sockaddr_in6 *)(const void *)to)->sin6_addr;
	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_plen = htons((uint16_t)body_bytes);
	ip.ip6_nxt = protocol;
	ip.ip6_hlim = TTL;
	memcpy(out, &ip, sizeof(ip));
	return sizeof(ip) + body_bytes;
}

static size_t ip_bytes(const struct sockaddr_storage *address)
{
	return address->ss_family == AF_INET ? sizeof(struct iphdr) : sizeof(struct ip6_hdr);
}

static void send_packets(const uint8_t *packet, size_t len_bytes, const struct sockaddr_storage *to,
			 unsigned n)
{
	int fd = socket(to->ss_family, SOCK_RAW, IPPROTO_RAW);
	unsigned sent = 0;

	if (fd < 0)
		die("raw socket");
	for (unsigned i = 0; i < n; i++)
		sent += sendto(fd, packet, len_bytes, 0, (const struct sockaddr *)to, sizeof(*to)) >
			0;
	say(sent, n);
}

static void forge_udp(char **argv)
{
	struct sockaddr_storage from = address_of(argv[0], 0), to = address_of(argv[1], 0);
	uint8_t packet[PACKET_BYTES];
	size_t len = udp_build(packet + ip_bytes(&from), &from, &to, argv);

	len = ip_build(packet, &from, &to, IPPROTO_UDP, len);
	send_packets(packet, len, &to, number(argv[5]));
}

/* A security parameters index and nothing that anybody could decrypt (RFC 4303 2). */
static void forge_esp(char **argv)
{
	static const uint8_t index[4] = { 0, 0, 0x10, 1 };
	struct sockaddr_storage from = address_of(argv[0], 0), to = address_of(argv[1], 0);
	uint8_t packet[PACKET_BYTES], *body = packet + ip_bytes(&from);
	size_t n = strlen(argv[2]);

	memcpy(body, index, sizeof(index));
	memcpy(body + sizeof(index), argv[2], n);
	n = ip_build(packet, &from, &to, IPPROTO_ESP, sizeof(index) + n);
	send_packets(packet, n, &to, number(argv[3]));
}

/* RFC 1071; for IPv6 with the pseudo-header of RFC 8200 8.1. */
static void forge_icmp(char **argv)
{
	struct sockaddr_storage from = address_of(argv[0], 0), to = address_of(argv[1], 0);
	bool v6 = from.ss_family == AF_INET6;
	uint8_t packet[PACKET_BYTES] = { 0 }, body[PACKET_BYTES / 2] = { (uint8_t)number(argv[2]) };
	size_t n = 8 + strlen(argv[3]);
	uint32_t s = 0;

	if (n > sizeof(body))
		die("token");
	body[5] = 7; /* an identifier */
	memcpy(body + 8, argv[3], n - 8);
	if (v6) {
		s = sum(&((const struct sockaddr_in6 *)(const void *)&from)->sin6_addr, 16,
			(uint32_t)n + IPPROTO_ICMPV6);
		s = sum(&((const struct sockaddr_in6 *)(const void *)&to)->sin6_addr, 16, s);
	}
	s = sum(body, n, s);
	s = (s & 0xffff) + (s >> 16);
	s = ~((s & 0xffff) + (s >> 16));
	body[2] = (uint8_t)(s >> 8);
	body[3] = (uint8_t)s;
	memcpy(packet + ip_bytes(&from), body, n);
	n = ip_build(packet, &from, &to, v6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP, n);
	send_packets(packet, n, &to, number(argv[4]));
}

static void forge_frame(char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(argv[0]),
				  .sll_protocol = htons(ETHERTYPE_LOCAL) };
	int fd = socket(AF_PACKET, SOCK_RAW, 0), mark = (int)number(argv[2]);
	unsigned n = number(argv[4]), sent = 0;
	uint8_t frame[PACKET_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02,
					0,    0,    0,	  0,	9,    0x88, 0xb5 };

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0)
		die("packet socket");
	if (setresuid(number(argv[1]), number(argv[1]), number(argv[1])) < 0)
		die("setuid");
	memcpy(frame + ETH_HLEN, argv[3], strlen(argv[3]));
	for (unsigned i = 0; i < n; i++)
		sent += sendto(fd, frame, 80, 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
	say(sent, n);
}

static void forge_socket(char **argv)
{
	struct sockaddr_storage to = address_of(argv[1], number(argv[3])), any = { 0 };
	unsigned n = number(argv[5]), sent = 0;
	unsigned mark = getenv("FORGE_MARK") ? number(getenv("FORGE_MARK")) : 0;
	int fd, on = 1;

	any.ss_family = to.ss_family; /* the port is at the same place in both families */
	((struct sockaddr_in *)(void *)&any)->sin_port = htons((uint16_t)number(argv[2]));
	if (seteuid(number(argv[0])) < 0) /* the opener's uid is what counts */
		die("seteuid");
	fd = socket(to.ss_family, SOCK_DGRAM, 0);
	if (seteuid(0) < 0 || fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_MARK, &mark, sizeof(mark)) < 0 ||
	    bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		die("socket");
	for (unsigned i = 0; i < n; i++)
		sent += sendto(fd, argv[4], strlen(argv[4]), 0, (const struct sockaddr *)&to,
			       sizeof(to)) > 0;
	say(sent, n);
}

static void make_flows(char **argv)
{
	unsigned n = number(argv[2]), sent = 0;

	for (unsigned i = 0; i < n; i++) {
		/* an own port comes back after some 28,000: then it needs another destination */
		unsigned port = number(argv[1]) + i / FLOWS_PER_PORT;
		struct sockaddr_storage to = address_of(argv[0], port);
		int fd = socket(to.ss_family, SOCK_DGRAM, 0);

		if (fd < 0)
			die("socket");
		sent += sendto(fd, "flow", 4, 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
		(void)close(fd);
	}
	say(sent, n);
}

static void echo_at(char **argv)
{
	struct sockaddr_storage own = address_of(argv[0], number(argv[1]));
	int fd = socket(own.ss_family, SOCK_DGRAM, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		die("bind");
	for (;;) {
		struct sockaddr_storage from;
		socklen_t from_bytes = sizeof(from);
		char buf[PACKET_BYTES];
		ssize_t n = recvfrom(fd, buf, sizeof(buf), 0, (void *)&from, &from_bytes);

		if (n <= 0)
			continue; /* (the port is at the same place in both families) */
		printf("from %u\n",
		       ntohs(((const struct sockaddr_in6 *)(const void *)&from)->sin6_port));
		fflush(stdout);
		(void)sendto(fd, buf, (size_t)n, 0, (const void *)&from, from_bytes);
	}
}

static void echo(char **argv)
{
	static char any[] = "::";

	echo_at((char *[]){ any, argv[0] });
}

/* The last four bytes of an address are a number. */
static void spread(char **argv)
{
	struct sockaddr_storage to = address_of(argv[0], number(argv[1]));
	bool v6 = to.ss_family == AF_INET6;
	uint8_t *low = v6 ? &((struct sockaddr_in6 *)(void *)&to)->sin6_addr.s6_addr[12]
			  : (uint8_t *)&((struct sockaddr_in *)(void *)&to)->sin_addr;
	unsigned n = number(argv[2]), sent = 0;
	int fd = socket(to.ss_family, SOCK_DGRAM, 0);
	uint32_t at;

	memcpy(&at, low, sizeof(at));
	for (unsigned i = 0; i < n; i++) {
		uint32_t next = htonl(ntohl(at) + i);

		memcpy(low, &next, sizeof(next));
		sent += sendto(fd, "near", 4, 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
	}
	say(sent, n);
}

static void own_frame(char **argv)
{
	uint16_t type = htons((uint16_t)strtoul(argv[2], NULL, 16));
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)if_nametoindex(argv[0]),
				  .sll_protocol = type };
	unsigned n = number(argv[4]), sent = 0;
	uint8_t frame[PACKET_BYTES] = { 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02, 0, 0, 0, 0, 9 };
	int fd;

	(void)setfsuid(number(argv[1])); /* (it keeps CAP_NET_RAW) */
	fd = socket(AF_PACKET, SOCK_RAW, 0);
	if (fd < 0)
		die("packet socket");
	memcpy(frame + ETH_HLEN - sizeof(type), &type, sizeof(type));
	memcpy(frame + ETH_HLEN, argv[3], strlen(argv[3]));
	for (unsigned i = 0; i < n; i++)
		sent += sendto(fd, frame, 80, 0, (const struct sockaddr *)&to, sizeof(to)) > 0;
	say(sent, n);
}

static void ask(char **argv)
{
	bool tcp = strcmp(argv[0], "tcp") == 0;
	struct sockaddr_storage to = address_of(argv[2], number(argv[3]));
	struct pollfd pfd = { .events = tcp ? POLLOUT : POLLIN };
	socklen_t error_bytes = sizeof(int);
	int error = 0;

	(void)setfsuid(number(argv[1]));
	pfd.fd = socket(to.ss_family, (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK, 0);
	(void)setfsuid(0);
	if (pfd.fd < 0)
		die("socket");
	(void)connect(pfd.fd, (const struct sockaddr *)&to, sizeof(to));
	if (!tcp)
		(void)send(pfd.fd, "question", 8, 0);
	if (poll(&pfd, 1, ANSWER_MS) == 0)
		puts("silence");
	else if (getsockopt(pfd.fd, SOL_SOCKET, SO_ERROR, &error, &error_bytes) == 0 && error != 0)
		puts(strerror(error));
	else
		puts("answer");
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int n_arguments;
		void (*run)(char **argv);
	} verbs[] = { { "udp", 6, forge_udp },
		      { "esp", 4, forge_esp },
		      { "frame", 5, forge_frame },
		      { "socket", 6, forge_socket },
		      { "flows", 3, make_flows },
		      { "echo", 1, echo },
		      { "echo-at", 2, echo_at },
		      { "icmp", 5, forge_icmp },
		      { "spread", 3, spread },
		      { "own-frame", 5, own_frame },
		      { "ask", 4, ask } };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (argc > 1 && strcmp(argv[1], verbs[i].name) == 0 &&
		    argc - 2 == verbs[i].n_arguments) {
			verbs[i].run(argv + 2);
			return 0;
		}
	errno = EINVAL;
	die("arguments");
}
