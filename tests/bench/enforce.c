/* enforce - how long the personal side still sends after something happened on the wire.
 *
 *	enforce ADDRESS PORT NAMESPACE CABLE lldp	a switch speaks on CABLE
 *	enforce ADDRESS PORT NAMESPACE CABLE run COMMAND...
 *
 * Sends datagrams to ADDRESS as fast as it can, makes the event, and goes on until none has come out
 * for a while. Says the microseconds from just before the event to the send of the last datagram
 * that CABLE, the far end of the uplink in NAMESPACE, still saw. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <sched.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/util.h"

enum {
	PAYLOAD_AT = 42,  /* Ethernet, IPv4 without options, UDP */
	QUIET_MS = 50,	  /* so long without one: it is closed */
	LIMIT_MS = 10000, /* it does not close */
	PACE_NS = 20000,
	MAGIC = 0x42484556,
};

struct payload {
	uint32_t magic;
	uint32_t pad;
	uint64_t sent_ns;
};

struct bench {
	int out;   /* personal's socket */
	int cable; /* packet socket that hears and speaks there */
	unsigned cable_ifindex;
	const char *cable_name;
	uint64_t last_ns; /* send time of the latest datagram seen */
};

static _Noreturn void die(const char *what)
{
	fprintf(stderr, "enforce: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void open_cable(struct bench *b, const char *namespace)
{
	/* our datagrams only: the word behind the UDP header */
	struct sock_filter code[] = { BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PAYLOAD_AT),
				      BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAGIC, 0, 1),
				      BPF_STMT(BPF_RET | BPF_K, 256),
				      BPF_STMT(BPF_RET | BPF_K, 0) };
	struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };
	struct sockaddr_ll at = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	int there = open(namespace, O_RDONLY | O_CLOEXEC);

	if (own < 0 || there < 0 || setns(there, CLONE_NEWNET) < 0)
		die(namespace);
	b->cable_ifindex = if_nametoindex(b->cable_name);
	at.sll_ifindex = (int)b->cable_ifindex;
	b->cable = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->cable_ifindex == 0 || b->cable < 0 ||
	    setsockopt(b->cable, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    bind(b->cable, (const struct sockaddr *)&at, sizeof(at)) < 0)
		die(b->cable_name);
	if (setns(own, CLONE_NEWNET) < 0)
		die("come back");
}

static void open_out(struct bench *b, const char *address, const char *port)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };

	b->out = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (b->out < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    connect(b->out, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die(address);
}

static void hear(struct bench *b)
{
	uint8_t frame[256];
	struct payload p;
	ssize_t n;

	while ((n = recv(b->cable, frame, sizeof(frame), 0)) > 0) {
		if ((size_t)n < PAYLOAD_AT + sizeof(p))
			continue;
		memcpy(&p, frame + PAYLOAD_AT, sizeof(p));
		if (p.sent_ns > b->last_ns)
			b->last_ns = p.sent_ns;
	}
}

/* One datagram, and what came of the ones before. A refusal is no error here. */
static void send_one(struct bench *b)
{
	struct payload p = { .magic = htonl(MAGIC), .sent_ns = now_ns() };

	(void)send(b->out, &p, sizeof(p), 0);
	hear(b);
	while (now_ns() < p.sent_ns + PACE_NS)
		;
}

/* The smallest LLDPDU: chassis, port, TTL, end (802.1AB 9). */
static void speak_lldp(const struct bench *b)
{
	static const uint8_t frame[60] = {
		0x01, 0x80, 0xc2, 0x00, 0x00, 0x0e, 0x02, 0, 0, 0, 0,	 0x77,
		0x88, 0xcc, 0x02, 0x07, 0x04, 0x02, 0,	  0, 0, 0, 0x77, /* chassis: a MAC */
		0x04, 0x03, 0x07, 'p',	'1',				 /* port: local */
		0x06, 0x02, 0x00, 0x78, 0x00, 0x00
	};
	struct sockaddr_ll to = { .sll_family = AF_PACKET,
				  .sll_ifindex = (int)b->cable_ifindex,
				  .sll_halen = 6 };

	if (sendto(b->cable, frame, sizeof(frame), 0, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("speak LLDP");
}

static void event(const struct bench *b, char **words)
{
	char *envp[] = { NULL };
	pid_t pid;

	if (strcmp(words[0], "lldp") == 0)
		speak_lldp(b);
	else if (posix_spawn(&pid, words[1], NULL, NULL, &words[1], envp) != 0)
		die(words[1]);
}

int main(int argc, char **argv)
{
	struct bench b = { .cable_name = argc > 4 ? argv[4] : "" };
	uint64_t began, limit;

	if (argc < 6 || (strcmp(argv[5], "run") == 0 && argc < 7))
		return fputs("usage: enforce ADDRESS PORT NAMESPACE CABLE lldp|run "
			     "COMMAND...\n",
			     stderr),
		       2;
	open_cable(&b, argv[3]);
	open_out(&b, argv[1], argv[2]);
	limit = now_ns() + LIMIT_MS * UINT64_C(1000000);
	while (b.last_ns == 0 && now_ns() < limit)
		send_one(&b);
	if (b.last_ns == 0)
		return fputs("enforce: nothing comes out at first\n", stderr), 1;
	began = now_ns();
	event(&b, &argv[5]);
	limit = began + LIMIT_MS * UINT64_C(1000000);
	do {
		send_one(&b);
		if (now_ns() > limit)
			return fputs("enforce: it does not close\n", stderr), 1;
	} while (now_ns() < (b.last_ns > began ? b.last_ns : began) + QUIET_MS * UINT64_C(1000000));
	printf("%.0f\n", b.last_ns > began ? (double)(b.last_ns - began) / 1000 : 0.0);
	return 0;
}
