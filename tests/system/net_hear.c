/* net_hear - says the text of each packet that the input chain let in, until killed.
 *
 *	net_hear 4|6 PROTOCOL
 *
 * A raw socket gets what has passed the input hook, whoever else wants it. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PACKET_BYTES = 2048 };

int main(int argc, char **argv)
{
	int fd = argc < 3 ? -1
			  : socket(*argv[1] == '6' ? AF_INET6 : AF_INET, SOCK_RAW, atoi(argv[2]));

	if (fd < 0) {
		fprintf(stderr, "net_hear: raw socket: %s\n", strerror(errno));
		return 1;
	}
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	for (;;) {
		char buf[PACKET_BYTES];
		ssize_t n = recv(fd, buf, sizeof(buf), 0);

		for (ssize_t i = 0; i < n; i++)
			putchar(isprint((unsigned char)buf[i]) ? buf[i] : '.');
		putchar('\n');
	}
}
