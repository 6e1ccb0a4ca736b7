/* beacon_forge - what somebody says on the beacons' port who is no good beacon.
 *
 *	beacon_forge announce ROOT SITE EPOCH FROM TO CLASS ADDRESS
 *		one announcement out of the link with this address, to 224.0.0.1, by a new beacon
 *		whose certificate ROOT signs; valid from FROM to TO days from now; class link|tunnel
 *	beacon_forge pick PCAP MAGIC
 *		the last datagram of the capture that begins so (BHAN, BHRP, BHPR), in hex
 *	beacon_forge replay ADDRESS ANNOUNCEMENT REPLY
 *		be a beacon on ADDRESS that has nothing but these: announce the one, answer each probe
 *		with the other. Until a signal ends it.
 *	beacon_forge poke CERTIFICATE ADDRESS
 *		send that beacon a probe with each of its bytes changed, of each other length, and a
 *		request, and good ones in between. Print how many were answered.
 *	beacon_forge relay ADDRESS BEACON OUT-ADDRESS
 *		listen on ADDRESS, ask BEACON from OUT-ADDRESS, carry answers back; announce what the
 *		beacon says on the link with ADDRESS. Until a signal ends it. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <sodium.h>

#include "base/bytes.h"
#include "base/loop.h"

#include "netguard/beacon_verify.h"
#include "netguard/frame.h"

enum {
	ROOT_HEAD_BYTES = 16,
	DAY_S = 86400,
	FILE_MAX_BYTES = 64 << 20,
	ANNOUNCE_MS = 300,
	POKE_WAIT_MS = 20000,
	POKE_MORE_MS = 500,
	POKE_BURST = 40,
};

static const char ALL_HOSTS[] = "224.0.0.1";

static _Noreturn void fail(const char *what)
{
	perror(what);
	exit(1);
}

static struct sockaddr_in at(const char *address)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(BEACON_PORT) };

	if (inet_pton(AF_INET, address, &a.sin_addr) != 1)
		fail(address);
	return a;
}

/* Bound to the beacons' port of this address (or group); speaks to groups on its link. */
static int open_at(const char *address)
{
	static const int hops = 255, on = 1;
	struct sockaddr_in own = at(address);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_TTL, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IP, IP_MULTICAST_TTL, &hops, sizeof(hops)) < 0 ||
	    (!IN_MULTICAST(ntohl(own.sin_addr.s_addr)) &&
	     setsockopt(fd, IPPROTO_IP, IP_MULTICAST_IF, &own.sin_addr, sizeof(own.sin_addr)) <
		     0) ||
	    bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		fail(address);
	return fd;
}

static void say(int fd, const char *to, const uint8_t *data, size_t n)
{
	struct sockaddr_in a = at(to);

	if (sendto(fd, data, n, 0, (const struct sockaddr *)&a, sizeof(a)) < 0)
		fail(to);
}

static int announce(char **argv)
{
	uint8_t root[ROOT_HEAD_BYTES + 64], sign_secret[64], box_secret[32];
	uint8_t wire[BEACON_ANNOUNCEMENT_BYTES];
	struct beacon_announcement a = { .issued_wall_s = loop_now_wall_s(), .counter = 1 };
	struct beacon_certificate c = { 0 };
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, root, sizeof(root)) != (ssize_t)sizeof(root))
		fail(argv[0]);
	c.epoch = strtoull(argv[2], NULL, 10);
	c.not_before_wall_s = a.issued_wall_s + (uint64_t)(strtoll(argv[3], NULL, 10) * DAY_S);
	c.not_after_wall_s = a.issued_wall_s + (uint64_t)(strtoll(argv[4], NULL, 10) * DAY_S);
	c.proof_class = strcmp(argv[5], "tunnel") == 0 ? PROOF_CLASS_TUNNEL : PROOF_CLASS_LINK;
	(void)snprintf(c.site, sizeof(c.site), "%s", argv[1]);
	(void)crypto_sign_keypair(c.sign_key, sign_secret);
	(void)crypto_box_keypair(c.box_key, box_secret);
	if (beacon_verify_certificate_sign(&c, root + ROOT_HEAD_BYTES, a.certificate_wire) < 0 ||
	    beacon_verify_announcement_sign(&a, sign_secret, wire) < 0)
		fail("sign");
	say(open_at(argv[6]), ALL_HOSTS, wire, sizeof(wire));
	return 0;
}

/* pcap, in the byte order of this machine: a head of 24 bytes, then records of 16 and a frame. */
static int pick(char **argv)
{
	static uint8_t file[FILE_MAX_BYTES];
	int fd = open(argv[0], O_RDONLY | O_CLOEXEC);
	ssize_t n_bytes = fd < 0 ? -1 : read(fd, file, sizeof(file));
	const uint8_t *found = NULL;
	uint32_t found_bytes = 0;

	if (n_bytes < 24)
		fail(argv[0]);
	for (size_t i = 24; i + 16 <= (size_t)n_bytes;) {
		const uint8_t *frame = file + i + 16;
		struct frame f;
		uint32_t len;

		memcpy(&len, file + i + 8, sizeof(len));
		if (i + 16 + len > (size_t)n_bytes)
			break;
		if (frame_parse(frame, len, &f) == 0 && f.is_udp && bytes_left(&f.payload) >= 4 &&
		    memcmp(f.payload.at, argv[1], 4) == 0) {
			found = f.payload.at;
			found_bytes = (uint32_t)bytes_left(&f.payload);
		}
		i += 16 + len;
	}
	for (uint32_t i = 0; i < found_bytes; i++)
		printf("%02x", found[i]);
	printf("\n");
	return found ? 0 : 1;
}

static size_t read_hex(const char *text, uint8_t ret[2048])
{
	size_t n;

	if (sodium_hex2bin(ret, 2048, text, strlen(text), NULL, &n, NULL) != 0)
		fail("hex");
	return n;
}

static _Noreturn void replay(char **argv)
{
	uint8_t announcement[2048], reply[2048], buf[2048];
	size_t announcement_bytes = read_hex(argv[1], announcement);
	size_t reply_bytes = read_hex(argv[2], reply);
	struct pollfd p = { open_at(argv[0]), POLLIN, 0 };

	for (;;) {
		struct sockaddr_in from;
		socklen_t from_bytes = sizeof(from);

		if (poll(&p, 1, ANNOUNCE_MS) == 0)
			say(p.fd, ALL_HOSTS, announcement, announcement_bytes);
		else if (recvfrom(p.fd, buf, sizeof(buf), MSG_DONTWAIT, (struct sockaddr *)&from,
				  &from_bytes) == BEACON_PROBE_BYTES)
			(void)sendto(p.fd, reply, reply_bytes, 0, (struct sockaddr *)&from,
				     from_bytes);
	}
}

static void read_certificate(const char *path, struct beacon_certificate *ret)
{
	uint8_t wire[BEACON_CERTIFICATE_BYTES];
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0 || read(fd, wire, sizeof(wire)) != (ssize_t)sizeof(wire) ||
	    beacon_wire_certificate_parse(wire, sizeof(wire), ret) < 0)
		fail(path);
	(void)close(fd);
}

struct poker {
	int fd;
	uint8_t good[BEACON_PROBE_BYTES];
	unsigned n_bad, n_good, n_replies;
	ssize_t longest;
};

static void take_replies(struct poker *k, int wait_ms)
{
	struct pollfd p = { k->fd, POLLIN, 0 };
	uint8_t buf[2048];

	while (poll(&p, 1, k->n_replies < k->n_good ? POKE_WAIT_MS : wait_ms) > 0) {
		ssize_t n = recv(k->fd, buf, sizeof(buf), 0);

		k->n_replies += n > 0;
		k->longest = n > k->longest ? n : k->longest;
	}
}

/* A beacon reads in order: when a good one is answered, all before it were seen. Its queue is short. */
static void poke_bad(struct poker *k, const uint8_t *data, size_t n)
{
	(void)send(k->fd, data, n, 0);
	if (++k->n_bad % POKE_BURST != 0)
		return;
	(void)send(k->fd, k->good, sizeof(k->good), 0);
	k->n_good++;
	take_replies(k, 0);
}

static int poke(char **argv)
{
	struct sockaddr_in to = at(argv[1]);
	struct poker k = { .fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0) };
	uint8_t wire[BEACON_PROBE_BYTES + 64] = { 0 };
	struct beacon_certificate c;
	struct beacon_probe probe;

	read_certificate(argv[0], &c);
	randombytes_buf(&probe, sizeof(probe));
	if (k.fd < 0 || connect(k.fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ||
	    beacon_verify_probe_seal(&probe, c.box_key, k.good) < 0)
		fail("probe");
	beacon_wire_request_build(wire); /* a link's beacon takes none */
	poke_bad(&k, wire, BEACON_PROBE_BYTES);
	memcpy(wire, k.good, sizeof(k.good));
	poke_bad(&k, wire, BEACON_PROBE_BYTES + 1);
	poke_bad(&k, wire, sizeof(wire));
	for (size_t i = 0; i < BEACON_PROBE_BYTES; i++) {
		wire[i] ^= 1;
		poke_bad(&k, wire, BEACON_PROBE_BYTES);
		wire[i] ^= 1;
		poke_bad(&k, wire, i);
	}
	while (k.n_bad % POKE_BURST != 0)
		poke_bad(&k, wire, 1);
	take_replies(&k, POKE_MORE_MS);
	printf("%u bad, %u good, %u replies of %zd bytes\n", k.n_bad, k.n_good, k.n_replies,
	       k.longest);
	return 0;
}

static int relay(char **argv)
{
	int in = open_at(argv[0]), out = open_at(argv[2]), group = open_at(ALL_HOSTS);
	struct ip_mreq join = { .imr_multiaddr = at(ALL_HOSTS).sin_addr,
				.imr_interface = at(argv[2]).sin_addr };
	struct pollfd p[] = { { in, POLLIN, 0 }, { out, POLLIN, 0 }, { group, POLLIN, 0 } };
	struct sockaddr_in from, laptop = { 0 };
	uint8_t buf[2048];

	if (setsockopt(group, IPPROTO_IP, IP_ADD_MEMBERSHIP, &join, sizeof(join)) < 0)
		fail("join");
	while (poll(p, 3, -1) > 0)
		for (unsigned i = 0; i < 3; i++) {
			socklen_t from_bytes = sizeof(from);
			ssize_t n = recvfrom(p[i].fd, buf, sizeof(buf), MSG_DONTWAIT,
					     (struct sockaddr *)&from, &from_bytes);

			if (n < 4)
				continue;
			if (i == 0) { /* a probe of the laptop */
				laptop = from;
				say(out, argv[1], buf, (size_t)n);
			} else if (memcmp(buf, "BHAN", 4) == 0) {
				say(in, ALL_HOSTS, buf, (size_t)n);
			} else if (laptop.sin_port != 0) {
				(void)sendto(in, buf, (size_t)n, 0,
					     (const struct sockaddr *)&laptop, sizeof(laptop));
			}
		}
	return 1;
}

int main(int argc, char **argv)
{
	if (sodium_init() < 0)
		return 1;
	if (argc == 9 && strcmp(argv[1], "announce") == 0)
		return announce(argv + 2);
	if (argc == 4 && strcmp(argv[1], "pick") == 0)
		return pick(argv + 2);
	if (argc == 4 && strcmp(argv[1], "poke") == 0)
		return poke(argv + 2);
	if (argc == 5 && strcmp(argv[1], "replay") == 0)
		replay(argv + 2);
	if (argc == 5 && strcmp(argv[1], "relay") == 0)
		return relay(argv + 2);
	(void)fprintf(stderr, "usage: see the head of this file\n");
	return 2;
}
