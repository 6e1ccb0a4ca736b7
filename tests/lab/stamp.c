/* stamp - datagrams that say when they were sent, and who hears them: what left after a "no" is a fact
 * of time stamps, not of a race between two shells.
 *
 *	stamp send ADDRESS PORT RATE [fresh]  RATE datagrams a second, each with a counter and the time
 *	                                     just before its send; "fresh": each a flow of its own. Says
 *	                                     "sent N" when told to end
 *	stamp hear FILE                      every such datagram, and every TCP segment to port 5001, on
 *	                                     any link of this namespace: FILE gets a line for each run,
 *	                                     "udp|tcp FIRST LAST N WIRE"; ends with 1 when frames were lost
 *	stamp judge WATCH FILE...            does every run lie within a time that WATCH (see grantwatch)
 *	                                     has as open? "N frames, N late", and the late runs, with how
 *	                                     far they are from what was open. A run may be on the wire
 *	                                     before its opening was read, by as much as WATCH says that it
 *	                                     may have been late
 *
 * Times are CLOCK_MONOTONIC in nanoseconds: of the send for udp, of the wire for tcp; WIRE is when the first was
 * on the wire, long after its send where the sender had to wait in between. A run ends where
 * a counter is missing, so a moment without permission in which anything was sent cannot hide in one. */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
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

#include "base/util.h"

enum {
	BATCH = 64,
	SNAP_BYTES = 96,
	BUFFER_BYTES = 512 << 20,
	PAYLOAD_AT = 42, /* Ethernet, IPv4 without options, UDP */
	TCP_GAP_NS = 2000000,
	RUN_NS = 50000000, /* a longer one is written in pieces */
	IDLE_MS = 200,	   /* a run that has ended is written after this */
	OPEN_MAX = 65536,
};

#define MAGIC	  UINT32_C(0x42485354)
#define SECOND_NS UINT64_C(1000000000)

struct payload {
	uint32_t magic; /* network order */
	uint32_t pad;
	uint64_t counter;
	uint64_t sent_ns;
};

struct run {
	const char *kind;
	uint64_t first_ns, last_ns, n;
	uint64_t wire_ns; /* of the first */
	uint64_t next;	  /* counter that continues it */
};

static void die(const char *what)
{
	fprintf(stderr, "stamp: %s: %s\n", what, strerror(errno));
	exit(2);
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * SECOND_NS + (uint64_t)t.tv_nsec;
}

static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	(void)sigprocmask(SIG_BLOCK, &set, NULL);
	return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

static bool told_to_end(int signal_fd)
{
	struct signalfd_siginfo info;

	return read(signal_fd, &info, sizeof(info)) > 0;
}

static int send_all(char **argv, bool fresh)
{
	struct sockaddr_in to = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)atoi(argv[1])) };
	uint64_t step_ns = SECOND_NS / strtoull(argv[2], NULL, 10);
	int signal_fd = signals(), fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct payload p = { .magic = htonl(MAGIC) };
	uint64_t due_ns = now_ns(CLOCK_MONOTONIC), refused = 0;

	if (fd < 0 || inet_pton(AF_INET, argv[0], &to.sin_addr) != 1)
		die(argv[0]);
	while (p.counter % BATCH != 0 || !told_to_end(signal_fd)) {
		if (fresh) { /* another destination port is another flow */
			to.sin_port = htons((uint16_t)(1024 + p.counter % 60000));
		}
		p.sent_ns = now_ns(CLOCK_MONOTONIC);
		refused += sendto(fd, &p, sizeof(p), MSG_DONTWAIT, (const struct sockaddr *)&to,
				  sizeof(to)) < 0;
		p.counter++;
		due_ns += step_ns;
		if (p.counter % BATCH == 0) {
			struct timespec until = { .tv_sec = (time_t)(due_ns / SECOND_NS),
						  .tv_nsec = (long)(due_ns % SECOND_NS) };

			if (due_ns + SECOND_NS < p.sent_ns) /* starved: do not make up for it */
				due_ns = p.sent_ns;
			(void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		}
	}
	printf("sent %llu refused %llu\n", (unsigned long long)p.counter,
	       (unsigned long long)refused);
	return 0;
}

/* Ours by the word after the UDP header, or TCP to port 5001; no more than the headers. */
static int open_wire(void)
{
	static struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 12),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ETHERTYPE_IP, 0, 7),
		BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 23),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, IPPROTO_TCP, 2, 0),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, PAYLOAD_AT),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, MAGIC, 2, 3),
		BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 36),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5001, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SNAP_BYTES),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };
	struct sockaddr_ll all = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL) };
	int size_bytes = BUFFER_BYTES, on = 1, fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size_bytes, sizeof(size_bytes)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on)) < 0 ||
	    bind(fd, (const struct sockaddr *)&all, sizeof(all)) < 0)
		die("packet socket");
	return fd;
}

static void run_end(struct run *run, FILE *file)
{
	if (run->n > 0)
		fprintf(file, "%s %llu %llu %llu %llu\n", run->kind,
			(unsigned long long)run->first_ns, (unsigned long long)run->last_ns,
			(unsigned long long)run->n, (unsigned long long)run->wire_ns);
	run->n = 0;
	(void)fflush(file);
}

static void run_add(struct run *run, uint64_t at_ns, uint64_t on_wire_ns, uint64_t counter,
		    FILE *file)
{
	if (run->n > 0 && counter < run->next)
		return; /* the same frame on the next link of its way */
	if (run->n > 0 && (counter != run->next || at_ns > run->first_ns + RUN_NS))
		run_end(run, file);
	if (run->n++ == 0) {
		run->first_ns = at_ns;
		run->wire_ns = on_wire_ns;
	}
	run->last_ns = at_ns;
	run->next = counter + 1;
}

/* A frame on its way through this namespace passes several links; the first is what counts. */
static uint64_t wire_ns(struct msghdr *head, int64_t real_minus_mono_ns)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(head); c; c = CMSG_NXTHDR(head, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS) {
			struct timespec t;

			memcpy(&t, CMSG_DATA(c), sizeof(t));
			return (uint64_t)((int64_t)t.tv_sec * (int64_t)SECOND_NS + t.tv_nsec -
					  real_minus_mono_ns);
		}
	return now_ns(CLOCK_MONOTONIC);
}

struct hearer {
	struct run udp, tcp;
	uint64_t n_tcp;
	int64_t real_minus_mono_ns;
	FILE *file;
};

static void take(struct hearer *h, const uint8_t *frame, size_t n_bytes, struct msghdr *head)
{
	uint64_t at_ns = wire_ns(head, h->real_minus_mono_ns);
	struct payload p;

	if (n_bytes > 23 && frame[23] == IPPROTO_TCP) {
		h->n_tcp += h->tcp.n > 0 && at_ns > h->tcp.last_ns + TCP_GAP_NS; /* a gap */
		run_add(&h->tcp, at_ns, at_ns, h->n_tcp++, h->file);
	} else if (n_bytes >= PAYLOAD_AT + sizeof(p)) {
		memcpy(&p, frame + PAYLOAD_AT, sizeof(p));
		run_add(&h->udp, p.sent_ns, at_ns, p.counter, h->file);
	}
}

static void drain(struct hearer *h, int fd)
{
	static uint8_t frame[BATCH][SNAP_BYTES];
	static char control[BATCH][64];
	struct mmsghdr msg[BATCH];
	struct iovec to[BATCH];
	int n;

	for (unsigned i = 0; i < BATCH; i++) {
		to[i] = (struct iovec){ .iov_base = frame[i], .iov_len = SNAP_BYTES };
		msg[i].msg_hdr = (struct msghdr){ .msg_iov = &to[i],
						  .msg_iovlen = 1,
						  .msg_control = control[i],
						  .msg_controllen = sizeof(control[i]) };
	}
	n = recvmmsg(fd, msg, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < n; i++)
		take(h, frame[i], msg[i].msg_len, &msg[i].msg_hdr);
}

static int hear(const char *path)
{
	struct hearer h = { .udp = { .kind = "udp" }, .tcp = { .kind = "tcp" } };
	struct pollfd pfd[2] = { { .fd = open_wire(), .events = POLLIN },
				 { .fd = signals(), .events = POLLIN } };
	struct tpacket_stats stats;
	socklen_t stats_bytes = sizeof(stats);

	h.file = fopen(path, "we");
	if (!h.file)
		die(path);
	h.real_minus_mono_ns = (int64_t)(now_ns(CLOCK_REALTIME) - now_ns(CLOCK_MONOTONIC));
	puts("ready");
	(void)fflush(stdout);
	for (;;) {
		int n = poll(pfd, 2, IDLE_MS);

		if (pfd[0].revents) {
			drain(&h, pfd[0].fd);
			continue;
		}
		run_end(&h.udp, h.file);
		run_end(&h.tcp, h.file);
		if (n > 0 && pfd[1].revents)
			break;
	}
	if (getsockopt(pfd[0].fd, SOL_PACKET, PACKET_STATISTICS, &stats, &stats_bytes) < 0)
		die("statistics");
	if (stats.tp_drops > 0)
		printf("lost %u frames\n", stats.tp_drops);
	return stats.tp_drops > 0;
}

struct span {
	uint64_t from_ns, to_ns;
	uint64_t late_ns; /* from_ns may be so much later than the opening */
};

/* WATCH: "open AT UNTIL LATE" and "closed AT". Permission lasts to what comes first: its own end, or no. */
static size_t spans_read(const char *path, struct span *ret)
{
	FILE *file = fopen(path, "re");
	unsigned long long at, until, late;
	char line[128];
	size_t n = 0;

	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file)) {
		struct span *last = n > 0 ? &ret[n - 1] : NULL;

		if (sscanf(line, "open %llu %llu %llu", &at, &until, &late) == 3) {
			if (last && at <= last->to_ns)
				last->to_ns = until; /* renewed */
			else if (n < OPEN_MAX)
				ret[n++] = (struct span){ at, until, late };
		} else if (sscanf(line, "closed %llu", &at) == 1) {
			if (last && at < last->to_ns)
				last->to_ns = at;
		} else {
			errno = EBADMSG;
			die(line); /* "lost": nobody knows what was open */
		}
	}
	(void)fclose(file);
	return n;
}

/* Before an opening was read, after a closing was, or far from both: three causes to look for. */
static void say_distance(const struct span *span, size_t n_spans, uint64_t from_ns,
			 uint64_t last_ns)
{
	uint64_t before_ns = UINT64_MAX, after_ns = UINT64_MAX, late_ns = 0;

	for (size_t i = 0; i < n_spans; i++) {
		if (from_ns < span[i].from_ns && span[i].from_ns - from_ns < before_ns) {
			before_ns = span[i].from_ns - from_ns;
			late_ns = span[i].late_ns;
		}
		if (last_ns > span[i].to_ns)
			after_ns = MIN(after_ns, last_ns - span[i].to_ns);
	}
	if (before_ns != UINT64_MAX)
		printf(", begins %.1f ms before an opening that was read up to %.1f ms late",
		       (double)before_ns / 1e6, (double)late_ns / 1e6);
	if (after_ns != UINT64_MAX)
		printf(", ends %.1f ms after a closing", (double)after_ns / 1e6);
	printf("\n");
}

static int judge(char **argv)
{
	static struct span span[OPEN_MAX];
	size_t n_spans = spans_read(argv[0], span);
	uint64_t frames = 0, late = 0;

	for (char **path = argv + 1; *path; path++) {
		FILE *file = fopen(*path, "re");
		unsigned long long first, last, n, wire;
		char kind[8];

		if (!file)
			die(*path);
		while (fscanf(file, "%7s %llu %llu %llu %llu", kind, &first, &last, &n, &wire) ==
		       5) {
			size_t i = 0;

			while (i < n_spans && !(wire + span[i].late_ns >= span[i].from_ns &&
						last <= span[i].to_ns))
				i++;
			frames += n;
			if (i < n_spans)
				continue;
			late += n;
			printf("%s: %s %llu %llu %llu %llu", *path, kind, first, last, n, wire);
			say_distance(span, n_spans, wire, last);
		}
		(void)fclose(file);
	}
	printf("%llu frames, %llu late, %zu times open\n", (unsigned long long)frames,
	       (unsigned long long)late, n_spans);
	return late > 0;
}

int main(int argc, char **argv)
{
	if ((argc == 5 || (argc == 6 && !strcmp(argv[5], "fresh"))) && !strcmp(argv[1], "send"))
		return send_all(argv + 2, argc == 6);
	if (argc == 3 && !strcmp(argv[1], "hear"))
		return hear(argv[2]);
	if (argc >= 4 && !strcmp(argv[1], "judge"))
		return judge(argv + 2);
	fputs("usage: stamp send|hear|judge ..., see its first lines\n", stderr);
	return 2;
}
