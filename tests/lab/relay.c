/* relay - a live relay of the beacon, as somebody with a box in each network runs it: the beacon's
 * announcements, heard in one, are said in the other, and what answers them is carried to the beacon
 * and back, late by some milliseconds.
 *
 *	relay FAR-NAMESPACE FAR-LINK NEAR-NAMESPACE NEAR-LINK DELAY_MS
 *
 * The beacon is on FAR-LINK, the laptop on NEAR-LINK; both over IPv6. Until killed; says "announced"
 * once, and "carried N" for each probe that was answered. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PORT = 6262, DATAGRAM_MAX_BYTES = 1500, ANSWER_MS = 500 };

static void die(const char *what)
{
	fprintf(stderr, "relay: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void enter(const char *ns)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "/run/netns/%s", ns);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || setns(fd, CLONE_NEWNET) < 0)
		die(ns);
	(void)close(fd);
}

/* A UDP socket on the link, in the namespace we are in; port 0: any. */
static int open_udp(const char *link, unsigned port, unsigned *ret_ifindex)
{
	struct sockaddr_in6 own = { .sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port) };
	struct ipv6_mreq all = { .ipv6mr_interface = if_nametoindex(link) };
	int hops = 255, off = 0, on = 1, fd = socket(AF_INET6, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	*ret_ifindex = all.ipv6mr_interface;
	if (inet_pton(AF_INET6, "ff02::1", &all.ipv6mr_multiaddr) != 1 || fd < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, link, (socklen_t)strlen(link)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_UNICAST_HOPS, &hops, sizeof(hops)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_LOOP, &off, sizeof(off)) < 0 ||
	    setsockopt(fd, IPPROTO_IPV6, IPV6_MULTICAST_IF, ret_ifindex, sizeof(*ret_ifindex)) <
		    0 ||
	    bind(fd, (const struct sockaddr *)&own, sizeof(own)) < 0)
		die(link);
	(void)setsockopt(fd, IPPROTO_IPV6, IPV6_ADD_MEMBERSHIP, &all, sizeof(all));
	return fd;
}

int main(int argc, char **argv)
{
	struct sockaddr_in6 beacon = { 0 }, client,
			    all = { .sin6_family = AF_INET6, .sin6_port = htons(PORT) };
	uint8_t data[DATAGRAM_MAX_BYTES];
	unsigned far_if, near_if;
	unsigned long n = 0;
	int hear, far, near, delay_ms;

	if (argc != 6)
		return fputs("usage: relay FAR-NS FAR-LINK NEAR-NS NEAR-LINK DELAY_MS\n", stderr),
		       2;
	delay_ms = atoi(argv[5]);
	enter(argv[1]);
	hear = open_udp(argv[2], PORT, &far_if);
	far = open_udp(argv[2], 0, &far_if);
	enter(argv[3]);
	near = open_udp(argv[4], PORT, &near_if);
	(void)inet_pton(AF_INET6, "ff02::1", &all.sin6_addr);
	all.sin6_scope_id = near_if;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	for (;;) {
		struct pollfd pfd[] = { { .fd = hear, .events = POLLIN },
					{ .fd = near, .events = POLLIN } };
		socklen_t from_bytes = sizeof(client);
		ssize_t len;

		(void)poll(pfd, 2, -1);
		if (pfd[0].revents) {
			struct sockaddr_in6 from;

			from_bytes = sizeof(from);
			len = recvfrom(hear, data, sizeof(data), 0, (struct sockaddr *)&from,
				       &from_bytes);
			if (len > 0 && beacon.sin6_family == 0)
				puts("announced");
			beacon = from;
			if (len > 0)
				(void)sendto(near, data, (size_t)len, 0,
					     (const struct sockaddr *)&all, sizeof(all));
		}
		if (pfd[1].revents) {
			struct pollfd answer = { .fd = far, .events = POLLIN };

			len = recvfrom(near, data, sizeof(data), 0, (struct sockaddr *)&client,
				       &from_bytes);
			if (len <= 0 || beacon.sin6_family == 0)
				continue;
			(void)poll(NULL, 0, delay_ms);
			(void)sendto(far, data, (size_t)len, 0, (const struct sockaddr *)&beacon,
				     sizeof(beacon));
			if (poll(&answer, 1, ANSWER_MS) != 1)
				continue;
			len = recv(far, data, sizeof(data), 0);
			if (len > 0 && sendto(near, data, (size_t)len, 0,
					      (const struct sockaddr *)&client, sizeof(client)) > 0)
				printf("carried %lu\n", ++n);
		}
	}
}
