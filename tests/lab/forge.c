/* forge - whole frames that no honest stack sends, by a packet socket, each with a token at its end.
 *
 *	forge LINK FROM TO frame HEX TOKEN COUNT       HEX begins with the ethertype
 *	forge LINK FROM TO ip4 SOURCE DESTINATION PROTOCOL FRAGMENT OPTIONS HEX TOKEN COUNT
 *	forge LINK FROM TO ip6 SOURCE DESTINATION PROTOCOL HEX TOKEN COUNT
 *
 * FROM and TO are MAC addresses; FROM "own" is the link's. HEX may be "-": nothing. FRAGMENT is the
 * flags and offset field (RFC 791 3.1) in hex, OPTIONS whole words of options. HEX, then the token, is
 * what PROTOCOL carries; checksums of UDP, TCP and ICMP, and UDP's length, are filled in, except in
 * fragments. Hop limit and TTL are 255, or HOPS where PROTOCOL says PROTOCOL/HOPS. Prints "sent N
 * refused M"; being refused is no error here. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ether.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { FRAME_MAX_BYTES = 1500, OFFSET_MASK = 0x1fff, HOPS = 255 };

struct frame {
	uint8_t bytes[FRAME_MAX_BYTES];
	size_t n_bytes;
};

static void die(const char *what, const char *object)
{
	fprintf(stderr, "forge: %s '%s': %s\n", what, object, strerror(errno));
	exit(1);
}

static void add(struct frame *f, const void *bytes, size_t n_bytes)
{
	if (n_bytes > sizeof(f->bytes) - f->n_bytes) {
		errno = EMSGSIZE;
		die("build", "frame");
	}
	memcpy(f->bytes + f->n_bytes, bytes, n_bytes);
	f->n_bytes += n_bytes;
}

static void add_hex(struct frame *f, const char *hex)
{
	if (strcmp(hex, "-") == 0)
		return;
	for (; *hex; hex += 2) {
		unsigned value;
		uint8_t byte;

		errno = EINVAL;
		if (!hex[1] || sscanf(hex, "%2x", &value) != 1)
			die("understand", hex);
		byte = (uint8_t)value;
		add(f, &byte, 1);
	}
}

static void add_mac(struct frame *f, const char *text, int fd, const char *ifname)
{
	struct ifreq own = { 0 };
	struct ether_addr mac;

	errno = EINVAL;
	if (strcmp(text, "own") == 0) {
		memcpy(own.ifr_name, ifname, strnlen(ifname, IFNAMSIZ - 1));
		if (ioctl(fd, SIOCGIFHWADDR, &own) < 0)
			die("read the address of", ifname);
		add(f, own.ifr_hwaddr.sa_data, ETH_ALEN);
	} else if (ether_aton_r(text, &mac)) {
		add(f, &mac, ETH_ALEN);
	} else {
		die("understand address", text);
	}
}

static uint32_t sum(const void *data, size_t n_bytes, uint32_t start)
{
	const uint8_t *p = data;

	for (size_t i = 0; i < n_bytes; i++)
		start += i % 2 ? p[i] : (uint32_t)p[i] << 8;
	return start;
}

static uint16_t fold(uint32_t s)
{
	s = (s & 0xffff) + (s >> 16);
	s = (s & 0xffff) + (s >> 16);
	return htons((uint16_t)~s);
}

/* Where the checksum of a protocol's header is; 0: it has none that we know. */
static size_t sum_at(unsigned protocol)
{
	switch (protocol) {
	case IPPROTO_ICMP:
	case IPPROTO_ICMPV6:
	case IPPROTO_IGMP:
		return 2;
	case IPPROTO_UDP:
		return 6;
	case IPPROTO_TCP:
		return 16;
	default:
		return 0;
	}
}

/* What follows the IP header is at from, as long as it says; pseudo is the sum over the pseudo header's
 * addresses. */
static void fill_sum(struct frame *f, size_t from, unsigned protocol, uint32_t pseudo)
{
	size_t at = sum_at(protocol), n_bytes = f->n_bytes - from;
	uint16_t s;

	if (protocol == IPPROTO_UDP && n_bytes >= 8) {
		uint16_t len = htons((uint16_t)n_bytes);

		memcpy(f->bytes + from + 4, &len, sizeof(len));
	}
	if (at == 0 || at + 2 > n_bytes)
		return;
	if (protocol == IPPROTO_ICMP || protocol == IPPROTO_IGMP)
		pseudo = 0; /* RFC 792: no pseudo header */
	else
		pseudo += protocol + (uint32_t)n_bytes;
	s = fold(sum(f->bytes + from, n_bytes, pseudo));
	memcpy(f->bytes + from + at, &s, sizeof(s));
}

static void address(int family, const char *text, void *ret)
{
	errno = EINVAL;
	if (inet_pton(family, text, ret) != 1)
		die("understand address", text);
}

static uint8_t hops_of(const char *protocol)
{
	const char *slash = strchr(protocol, '/');

	return slash ? (uint8_t)strtoul(slash + 1, NULL, 10) : HOPS;
}

static void build_ip4(struct frame *f, char **argv)
{
	struct frame options = { 0 };
	struct iphdr ip = { .version = 4, .ttl = hops_of(argv[2]) };
	uint16_t fragment = (uint16_t)strtoul(argv[3], NULL, 16);
	size_t at, n_head;

	add_hex(&options, argv[4]);
	n_head = sizeof(ip) + options.n_bytes;
	address(AF_INET, argv[0], &ip.saddr);
	address(AF_INET, argv[1], &ip.daddr);
	ip.protocol = (uint8_t)strtoul(argv[2], NULL, 0);
	ip.frag_off = htons(fragment);
	ip.id = htons(0x4248);
	ip.ihl = (unsigned)(n_head / 4) & 15u;
	add_hex(f, "0800");
	at = f->n_bytes;
	add(f, &ip, sizeof(ip));
	add(f, options.bytes, options.n_bytes);
	add_hex(f, argv[5]);
	add(f, argv[6], strlen(argv[6]));
	ip.tot_len = htons((uint16_t)(f->n_bytes - at));
	memcpy(f->bytes + at, &ip, sizeof(ip));
	ip.check = fold(sum(f->bytes + at, n_head, 0));
	memcpy(f->bytes + at, &ip, sizeof(ip));
	if ((fragment & OFFSET_MASK) == 0)
		fill_sum(f, at + n_head, ip.protocol, sum(&ip.saddr, 8, 0));
}

/* Past hop-by-hop, routing and destination options (RFC 8200 4.1) to what they carry. */
static size_t skip_extensions(const struct frame *f, size_t at, unsigned *protocol)
{
	while ((*protocol == IPPROTO_HOPOPTS || *protocol == IPPROTO_ROUTING ||
		*protocol == IPPROTO_DSTOPTS) &&
	       at + 8 <= f->n_bytes) {
		*protocol = f->bytes[at];
		at += (f->bytes[at + 1] + 1u) * 8;
	}
	return at < f->n_bytes ? at : f->n_bytes;
}

static void build_ip6(struct frame *f, char **argv)
{
	struct ip6_hdr ip = { 0 };
	unsigned protocol = (unsigned)strtoul(argv[2], NULL, 0);
	size_t at;

	address(AF_INET6, argv[0], &ip.ip6_src);
	address(AF_INET6, argv[1], &ip.ip6_dst);
	ip.ip6_flow = htonl(6u << 28);
	ip.ip6_nxt = (uint8_t)protocol;
	ip.ip6_hlim = hops_of(argv[2]);
	add_hex(f, "86dd");
	at = f->n_bytes;
	add(f, &ip, sizeof(ip));
	add_hex(f, argv[3]);
	add(f, argv[4], strlen(argv[4]));
	ip.ip6_plen = htons((uint16_t)(f->n_bytes - at - sizeof(ip)));
	memcpy(f->bytes + at, &ip, sizeof(ip));
	at = skip_extensions(f, at + sizeof(ip), &protocol);
	fill_sum(f, at, protocol, sum(&ip.ip6_src, 32, 0));
}

static void build_frame(struct frame *f, char **argv)
{
	add_hex(f, argv[0]);
	add(f, argv[1], strlen(argv[1]));
}

static const struct kind {
	const char *name;
	int n_arguments; /* up to and with the token */
	void (*build)(struct frame *f, char **argv);
} kinds[] = { { "frame", 2, build_frame }, { "ip4", 7, build_ip4 }, { "ip6", 5, build_ip6 } };

int main(int argc, char **argv)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET };
	const struct kind *kind = kinds;
	struct frame f = { 0 };
	unsigned long n, sent = 0;
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	errno = EINVAL;
	while (argc < 7 || strcmp(argv[4], kind->name) != 0 || argc - 6 != kind->n_arguments)
		if (argc < 7 || ++kind == kinds + sizeof(kinds) / sizeof(kinds[0]))
			die("take these arguments; see the first lines of", "forge.c");
	if (fd < 0)
		die("open a packet socket on", argv[1]);
	add_mac(&f, argv[3], fd, argv[1]);
	add_mac(&f, argv[2], fd, argv[1]);
	kind->build(&f, argv + 5);
	if (f.n_bytes < ETH_ZLEN)
		f.n_bytes = ETH_ZLEN;
	to.sll_ifindex = (int)if_nametoindex(argv[1]);
	n = strtoul(argv[argc - 1], NULL, 10);
	for (unsigned long i = 0; i < n; i++)
		sent += sendto(fd, f.bytes, f.n_bytes, 0, (const struct sockaddr *)&to,
			       sizeof(to)) > 0;
	printf("sent %lu refused %lu\n", sent, n - sent);
	return 0;
}
