/* packets - what one small datagram costs its sender.
 *
 *	packets answer ADDRESS PORT	answers whatever comes there, until killed
 *	packets ADDRESS PORT MS	"N NS_PER_PACKET": sent for MS milliseconds, 18 bytes each, of a flow
 *				that was answered once; the far end had better drop them
 *	packets ADDRESS PORT MS blocked	the same of a flow that nobody answers
 *
 * Over veth links the whole way runs within send(): the path that the packet takes is what it costs. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "base/util.h"

enum { PAYLOAD_BYTES = 18, BATCH = 64 };

static uint64_t now_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int answer(const char *address, const char *port)
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_port = htons((uint16_t)strtoul(port, NULL, 10)) };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0)
		return perror("packets: listen"), 1;
	for (;;) {
		struct sockaddr_in from;
		socklen_t from_bytes = sizeof(from);
		char word[64];
		ssize_t n =
			recvfrom(fd, word, sizeof(word), 0, (struct sockaddr *)&from, &from_bytes);

		if (n >= 0)
			(void)sendto(fd, word, (size_t)n, 0, (const struct sockaddr *)&from,
				     from_bytes);
	}
}

/* An answer makes the flow "established". */
static bool begin(int fd)
{
	static const struct timeval patience = { .tv_sec = 1 };
	char word[] = "hello";

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)) < 0)
		return false;
	for (unsigned i = 0; i < 5; i++)
		if (send(fd, word, sizeof(word), 0) >= 0 && recv(fd, word, sizeof(word), 0) > 0)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char payload[PAYLOAD_BYTES] = "bulkhead-bench";
	struct iovec text = { .iov_base = payload, .iov_len = sizeof(payload) };
	struct mmsghdr batch[BATCH] = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool blocked = argc == 5 && strcmp(argv[4], "blocked") == 0;
	uint64_t n = 0, began, until;

	if (argc == 4 && strcmp(argv[1], "answer") == 0)
		return answer(argv[2], argv[3]);
	if ((argc != 4 && !blocked) || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return fputs("usage: packets answer ADDRESS PORT | packets ADDRESS PORT MS "
			     "[blocked]\n",
			     stderr),
		       2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return perror("packets: connect"), 1;
	for (size_t i = 0; i < ARRAY_LEN(batch); i++)
		batch[i].msg_hdr = (struct msghdr){ .msg_iov = &text, .msg_iovlen = 1 };
	if (!blocked && !begin(fd))
		return fputs("packets: no answer\n", stderr), 1;
	began = now_ns();
	until = began + strtoull(argv[3], NULL, 10) * 1000000;
	while (now_ns() < until) {
		int sent = sendmmsg(fd, batch, BATCH, 0);

		if (sent < 0)
			return perror("packets: send"), 1;
		n += (uint64_t)sent;
	}
	printf("%llu %llu\n", (unsigned long long)n, (unsigned long long)((now_ns() - began) / n));
	return 0;
}
