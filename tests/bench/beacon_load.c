/* beacon_load - how many probes a beacon answers, and how many the cryptography alone would allow.
 *
 *	beacon_load limit MS
 *		open a round of probes, sign and seal their replies, again and again, for so long;
 *		print how many a second of processor time
 *	beacon_load fire CERTIFICATE ADDRESS IFNAME MS
 *		send probes, sealed before the clock starts, with at most so many unanswered; print
 *		"ANSWERED SENT MICROSECONDS LONGEST-REPLY" */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "netguard/beacon_verify.h"

enum { PROBES = 2048, UNANSWERED = 64, SILENCE_MS = 50 };

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static uint64_t now_us(clockid_t clock)
{
	struct timespec t;

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static void make_probe(const uint8_t box_key[32], uint8_t ret[BEACON_PROBE_BYTES])
{
	struct beacon_probe p;

	randombytes_buf(&p, sizeof(p));
	if (beacon_verify_probe_seal(&p, box_key, ret) < 0)
		fail("seal");
}

static int limit(uint64_t for_us)
{
	uint8_t sign_key[32], sign_secret[64], box_key[32], box_secret[32];
	static struct beacon_answer answers[BEACON_TREE_LEAVES_MAX];
	uint8_t wire[BEACON_PROBE_BYTES];
	struct beacon_probe probe;
	uint64_t start_us, spent_us, n = 0;

	(void)crypto_sign_keypair(sign_key, sign_secret);
	(void)crypto_box_keypair(box_key, box_secret);
	make_probe(box_key, wire);
	start_us = now_us(CLOCK_PROCESS_CPUTIME_ID);
	do {
		for (unsigned i = 0; i < BEACON_TREE_LEAVES_MAX; i++, n++) {
			if (beacon_verify_probe_open(wire, sizeof(wire), box_key, box_secret,
						     &probe) < 0)
				fail("open");
			memcpy(answers[i].reply_key, probe.reply_key, sizeof(probe.reply_key));
		}
		if (beacon_verify_answers_seal(answers, BEACON_TREE_LEAVES_MAX, sign_secret) < 0)
			fail("seal");
		spent_us = now_us(CLOCK_PROCESS_CPUTIME_ID) - start_us;
	} while (spent_us < for_us);
	printf("%llu\n", (unsigned long long)(n * 1000000 / spent_us));
	return 0;
}

static void read_box_key(const char *path, uint8_t ret[32])
{
	uint8_t wire[BEACON_CERTIFICATE_BYTES];
	struct beacon_certificate c;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, wire, sizeof(wire)) != (ssize_t)sizeof(wire) ||
	    beacon_wire_certificate_parse(wire, sizeof(wire), &c) < 0)
		fail(path);
	memcpy(ret, c.box_key, 32);
	(void)close(fd);
}

static int open_socket(const char *address, const char *ifname)
{
	static const int hops = 255;
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(BEACON_PORT) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, ifname, (socklen_t)strlen(ifname)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)) < 0 ||
	    connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		fail("socket");
	return fd;
}

static int fire(char **argv)
{
	static uint8_t wire[PROBES][BEACON_PROBE_BYTES];
	uint64_t for_us = strtoull(argv[3], NULL, 10) * 1000, start_us, n_sent = 0, n_got = 0;
	uint64_t n_lost = 0;
	struct pollfd p = { .fd = open_socket(argv[1], argv[2]), .events = POLLIN };
	uint8_t box_key[32], buf[2048];
	ssize_t longest = 0;

	read_box_key(argv[0], box_key);
	for (unsigned i = 0; i < PROBES; i++)
		make_probe(box_key, wire[i]);
	start_us = now_us(CLOCK_MONOTONIC);
	while (now_us(CLOCK_MONOTONIC) - start_us < for_us) {
		while (n_sent - n_got - n_lost < UNANSWERED) {
			if (send(p.fd, wire[n_sent % PROBES], BEACON_PROBE_BYTES, 0) < 0)
				break;
			n_sent++;
		}
		if (poll(&p, 1, SILENCE_MS) == 0)
			n_lost = n_sent - n_got; /* a full queue took them */
		for (ssize_t n; (n = recv(p.fd, buf, sizeof(buf), 0)) > 0; n_got++)
			longest = n > longest ? n : longest;
	}
	printf("%llu %llu %llu %zd\n", (unsigned long long)n_got, (unsigned long long)n_sent,
	       (unsigned long long)(now_us(CLOCK_MONOTONIC) - start_us), longest);
	return 0;
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc == 3 && strcmp(argv[1], "limit") == 0)
		return limit(strtoull(argv[2], NULL, 10) * 1000);
	if (argc == 6 && strcmp(argv[1], "fire") == 0)
		return fire(argv + 2);
	(void)fprintf(stderr, "usage: see the head of this file\n");
	return 2;
}
