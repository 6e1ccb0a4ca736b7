/* flood - datagrams as fast as one process can, until killed; each carries a token.
 *
 *	flood ADDRESS PORT TOKEN
 *
 * Being refused is no error here. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { BATCH = 64 };

static void die(const char *what)
{
	fprintf(stderr, "flood: %s: %s\n", what, strerror(errno));
	exit(1);
}

int main(int argc, char **argv)
{
	struct sockaddr_in to = { .sin_family = AF_INET };
	struct mmsghdr msg[BATCH] = { 0 };
	struct iovec text;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (argc != 4 || inet_pton(AF_INET, argv[1], &to.sin_addr) != 1)
		return fputs("usage: flood ADDRESS PORT TOKEN\n", stderr), 2;
	to.sin_port = htons((uint16_t)strtoul(argv[2], NULL, 10));
	text = (struct iovec){ .iov_base = argv[3], .iov_len = strlen(argv[3]) };
	if (fd < 0)
		die("socket");
	for (unsigned i = 0; i < BATCH; i++)
		msg[i].msg_hdr = (struct msghdr){ .msg_name = &to,
						  .msg_namelen = sizeof(to),
						  .msg_iov = &text,
						  .msg_iovlen = 1 };
	for (;;)
		(void)sendmmsg(fd, msg, BATCH, 0);
}
