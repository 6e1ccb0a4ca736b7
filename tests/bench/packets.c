/* packets - what one small datagram costs its sender, when nobody answers.
 *
 *	packets ADDRESS PORT MS	"N NS_PER_PACKET": sent for MS milliseconds, 18 bytes each
 *
 * Over veth links the whole way runs within send(): the path that the packet takes is what it costs. */
#include <arpa/inet.h>
#include <errno.h>
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

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	char payload[PAYLOAD_BYTES] = "bulkhead-bench";
	struct iovec text = { .iov_base = payload, .iov_len = sizeof(payload) };
	struct mmsghdr batch[BATCH] = { 0 };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint64_t n = 0, began, until;

	if (argc != 4 || fd < 0 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return fputs("usage: packets ADDRESS PORT MS\n", stderr), 2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return perror("packets: connect"), 1;
	for (size_t i = 0; i < ARRAY_LEN(batch); i++)
		batch[i].msg_hdr = (struct msghdr){ .msg_iov = &text, .msg_iovlen = 1 };
	(void)sendmmsg(fd, batch, BATCH, 0); /* neighbours are found, the flow is made */
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
