/* wire - the lab's own sniffer: it hears a link from before its first frame, and counts.
 *
 *	wire record LINK FILE        write every frame, both directions, to FILE (pcap); says
 *	                             "ready" on standard output once it hears, ends with the link
 *	wire count FILE WHAT...      one number a line: frames of FILE that hold WHAT:
 *	                             text:BYTES  hex:BYTES  mac:AA:BB:..  ip:ADDRESS  type:HEX  all
 *	wire replay FILE LINK WHAT... send each frame that holds all of WHAT again, out of LINK
 *	wire times FILE WHAT         seconds since 1970 of each such frame, with milliseconds
 *	wire kinds FILE MAC          of what MAC sent: "COUNT KIND" a line, KIND arp, ip-PROTOCOL,
 *	                             udp-FROM-TO, icmp6-TYPE or type-HEX
 *
 * Other sniffers cannot open a link that is down; the frames that matter most are the first. */
#include <arpa/inet.h>
#include <errno.h>
#include <net/if.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	FRAME_MAX_BYTES = 65536,
	LINKTYPE_ETHERNET = 1,
	RECEIVE_BUFFER_BYTES = 32 << 20, /* a flood of some seconds */
};

/* pcap(5): the file's header and each frame's; this machine's byte order */
struct pcap_file {
	uint32_t magic;
	uint16_t major, minor;
	uint32_t zone, accuracy, snap_bytes, linktype;
};

struct pcap_frame {
	uint32_t s, us, stored_bytes, wire_bytes;
};

struct pattern {
	uint8_t bytes[64];
	size_t len_bytes;
	bool all;
	bool is_type;
};

static void die(const char *what, const char *object)
{
	fprintf(stderr, "wire: %s '%s': %s\n", what, object, strerror(errno));
	exit(1);
}

static int open_link(const char *ifname)
{
	struct sockaddr_ll to = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size_bytes = RECEIVE_BUFFER_BYTES;
	int error, on = 1;
	socklen_t len_bytes = sizeof(error);
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0)
		die("open a packet socket on", ifname);
	to.sll_ifindex = (int)if_nametoindex(ifname);
	if (to.sll_ifindex == 0)
		die("find link", ifname);
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size_bytes, sizeof(size_bytes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    bind(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		die("listen on", ifname);
	/* binding to a link that is down reports ENETDOWN once; it hears as soon as it is up */
	(void)getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &len_bytes);
	return fd;
}

/* What recv() says, and when the frame was on the link: reading may be late. */
static ssize_t receive(int fd, uint8_t *frame, struct timespec *ret_at)
{
	struct iovec part = { frame, FRAME_MAX_BYTES };
	char control[CMSG_SPACE(sizeof(*ret_at))];
	struct msghdr msg = { .msg_iov = &part,
			      .msg_iovlen = 1,
			      .msg_control = control,
			      .msg_controllen = sizeof(control) };
	ssize_t n = recvmsg(fd, &msg, MSG_DONTWAIT);
	const struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&msg);

	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
		memcpy(ret_at, CMSG_DATA(c), sizeof(*ret_at));
	else
		clock_gettime(CLOCK_REALTIME, ret_at);
	return n;
}

static void write_frame(FILE *file, const uint8_t *frame, size_t len_bytes, struct timespec at)
{
	struct pcap_frame head = { .s = (uint32_t)at.tv_sec,
				   .us = (uint32_t)(at.tv_nsec / 1000),
				   .stored_bytes = (uint32_t)len_bytes,
				   .wire_bytes = (uint32_t)len_bytes };

	fwrite(&head, sizeof(head), 1, file);
	fwrite(frame, len_bytes, 1, file);
	fflush(file);
}

static int signals_new(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

static int record(const char *ifname, const char *path)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	const struct pcap_file head = {
		0xa1b2c3d4, 2, 4, 0, 0, FRAME_MAX_BYTES, LINKTYPE_ETHERNET
	};
	struct pollfd pfd[2] = { { .fd = open_link(ifname), .events = POLLIN },
				 { .fd = signals_new(), .events = POLLIN } };
	struct tpacket_stats stats;
	socklen_t len_bytes = sizeof(stats);
	FILE *file = fopen(path, "we");

	if (!file || fwrite(&head, sizeof(head), 1, file) != 1 || fflush(file) != 0)
		die("write", path);
	puts("ready");
	fflush(stdout);
	for (;;) {
		struct timespec at;
		ssize_t n;

		poll(pfd, 2, -1);
		n = receive(pfd[0].fd, frame, &at);
		if (n >= 0)
			write_frame(file, frame, (size_t)n, at);
		else if (errno == ENETDOWN && if_nametoindex(ifname) == 0)
			break;
		else if (pfd[1].revents && errno == EAGAIN) /* told to stop, and all is heard */
			break;
	}
	if (getsockopt(pfd[0].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &len_bytes) == 0 &&
	    stats.tp_drops > 0) {
		fprintf(stderr, "wire: '%s': %u frames were not heard\n", ifname, stats.tp_drops);
		return 1;
	}
	return fclose(file) == 0 ? 0 : 1;
}

static void pattern_parse(const char *text, struct pattern *ret)
{
	const char *value = strchr(text, ':');
	struct ether_addr mac;

	memset(ret, 0, sizeof(*ret));
	ret->all = strcmp(text, "all") == 0;
	if (ret->all)
		return;
	errno = EINVAL;
	if (!value++ || strlen(value) == 0 || strlen(value) > sizeof(ret->bytes))
		die("understand", text);
	if (strncmp(text, "text:", 5) == 0) {
		ret->len_bytes = strlen(value);
		memcpy(ret->bytes, value, ret->len_bytes);
	} else if (strncmp(text, "hex:", 4) == 0) {
		unsigned byte;

		for (; sscanf(value, "%2x", &byte) == 1 && value[1]; value += 2)
			ret->bytes[ret->len_bytes++] = (uint8_t)byte;
	} else if (strncmp(text, "mac:", 4) == 0 && ether_aton_r(value, &mac)) {
		ret->len_bytes = sizeof(mac);
		memcpy(ret->bytes, &mac, sizeof(mac));
	} else if (strncmp(text, "ip:", 3) == 0 && inet_pton(AF_INET, value, ret->bytes) == 1) {
		ret->len_bytes = 4;
	} else if (strncmp(text, "ip:", 3) == 0 && inet_pton(AF_INET6, value, ret->bytes) == 1) {
		ret->len_bytes = 16;
	} else if (strncmp(text, "type:", 5) == 0) {
		unsigned long type = strtoul(value, NULL, 16);

		ret->is_type = true;
		ret->bytes[0] = (uint8_t)(type >> 8);
		ret->bytes[1] = (uint8_t)type;
	} else {
		die("understand", text);
	}
}

static bool holds(const uint8_t *frame, size_t len_bytes, const struct pattern *want)
{
	if (want->all)
		return true;
	if (want->is_type)
		return len_bytes >= 14 && memcmp(frame + 12, want->bytes, 2) == 0;
	return memmem(frame, len_bytes, want->bytes, want->len_bytes) != NULL;
}

/* Walk the file; a torn last frame (the writer was killed) ends it. */
static unsigned long scan(const char *path, const struct pattern *want, bool show_times)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	struct pcap_file head;
	struct pcap_frame at;
	unsigned long n = 0;
	FILE *file = fopen(path, "re");

	if (!file || fread(&head, sizeof(head), 1, file) != 1)
		die("read", path);
	while (fread(&at, sizeof(at), 1, file) == 1 && at.stored_bytes <= sizeof(frame) &&
	       fread(frame, at.stored_bytes, 1, file) == 1) {
		if (!holds(frame, at.stored_bytes, want))
			continue;
		n++;
		if (show_times)
			printf("%u.%03u\n", at.s, at.us / 1000);
	}
	fclose(file);
	return n;
}

static int replay(const char *path, const char *ifname, int n_want, char **what)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	struct pattern want[8];
	struct pcap_file head;
	struct pcap_frame at;
	unsigned long n = 0;
	int fd = open_link(ifname);
	FILE *file = fopen(path, "re");

	if (!file || fread(&head, sizeof(head), 1, file) != 1)
		die("read", path);
	for (int i = 0; i < n_want && i < 8; i++)
		pattern_parse(what[i], &want[i]);
	while (fread(&at, sizeof(at), 1, file) == 1 && at.stored_bytes <= sizeof(frame) &&
	       fread(frame, at.stored_bytes, 1, file) == 1) {
		int i = 0;

		while (i < n_want && i < 8 && holds(frame, at.stored_bytes, &want[i]))
			i++;
		if (i == n_want && send(fd, frame, at.stored_bytes, 0) > 0)
			n++;
	}
	printf("%lu\n", n);
	return fclose(file);
}

enum { KINDS = 256 };

struct kinds {
	char name[KINDS][32];
	unsigned long n[KINDS];
};

static unsigned word(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

/* Of an ordinary frame; options of IPv4 and one hop-by-hop header (of MLD) are stepped over. */
static void kind_name(const uint8_t *f, size_t n, char ret[32])
{
	size_t at = 14;
	unsigned protocol;

	if (n >= 34 && word(f + 12) == ETHERTYPE_IP) {
		protocol = f[23];
		at += (f[14] & 15u) * 4;
	} else if (n >= 54 && word(f + 12) == ETHERTYPE_IPV6) {
		protocol = f[20];
		at += 40;
		if (protocol == 0) {
			protocol = f[at];
			at += (f[at + 1] + 1u) * 8;
		}
	} else if (word(f + 12) == ETHERTYPE_ARP) {
		snprintf(ret, 32, "arp");
		return;
	} else {
		snprintf(ret, 32, "type-%04x", word(f + 12));
		return;
	}
	if (protocol == 17 && n >= at + 4)
		snprintf(ret, 32, "udp-%u-%u", word(f + at), word(f + at + 2));
	else if (protocol == 58 && n > at)
		snprintf(ret, 32, "icmp6-%u", f[at]);
	else
		snprintf(ret, 32, "ip-%u", protocol);
}

static int kinds(const char *path, const char *from)
{
	static uint8_t frame[FRAME_MAX_BYTES];
	static struct kinds k;
	struct pcap_file head;
	struct pcap_frame at;
	struct ether_addr mac;
	FILE *file = fopen(path, "re");
	unsigned i;

	if (!file || !ether_aton_r(from, &mac) || fread(&head, sizeof(head), 1, file) != 1)
		die("read", path);
	while (fread(&at, sizeof(at), 1, file) == 1 && at.stored_bytes <= sizeof(frame) &&
	       fread(frame, at.stored_bytes, 1, file) == 1) {
		char name[32];

		if (at.stored_bytes < 14 || memcmp(frame + 6, &mac, sizeof(mac)) != 0)
			continue;
		kind_name(frame, at.stored_bytes, name);
		for (i = 0; i < KINDS - 1 && k.n[i] > 0 && strcmp(k.name[i], name) != 0; i++)
			;
		memcpy(k.name[i], name, sizeof(name));
		k.n[i]++;
	}
	fclose(file);
	for (i = 0; i < KINDS && k.n[i] > 0; i++)
		printf("%lu %s\n", k.n[i], k.name[i]);
	return 0;
}

int main(int argc, char **argv)
{
	struct pattern want;

	if (argc == 4 && strcmp(argv[1], "record") == 0)
		return record(argv[2], argv[3]);
	if (argc >= 4 && strcmp(argv[1], "count") == 0) {
		for (int i = 3; i < argc; i++) {
			pattern_parse(argv[i], &want);
			printf("%lu\n", scan(argv[2], &want, false));
		}
		return 0;
	}
	if (argc >= 5 && strcmp(argv[1], "replay") == 0)
		return replay(argv[2], argv[3], argc - 4, argv + 4);
	if (argc == 4 && strcmp(argv[1], "kinds") == 0)
		return kinds(argv[2], argv[3]);
	if (argc == 4 && strcmp(argv[1], "times") == 0) {
		pattern_parse(argv[3], &want);
		(void)scan(argv[2], &want, true);
		return 0;
	}
	fputs("usage: wire record|count|replay|times|kinds ..., see its first lines\n", stderr);
	return 2;
}
