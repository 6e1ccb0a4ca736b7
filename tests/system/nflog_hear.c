/* nflog_hear - says what each sample of dropped traffic names, one a line, until killed: the chain that
 * dropped it, and its source. Run in netguard's namespace. */
#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "netguard/blocked_text.h"
#include "netguard/nflog.h"
#include "netguard/nflog_socket.h"
#include "netguard/nlrecv.h"
#include "netguard/ruleset.h"

static void say(const struct msg_blocked *b)
{
	char source[INET6_ADDRSTRLEN] = "-";

	if (b->family != 0)
		(void)inet_ntop((int)b->family, b->source, source, sizeof(source));
	printf("%s %s\n", blocked_text_what(b->what), source);
}

int main(void)
{
	int fd = nflog_socket_open(RULESET_NFLOG_GROUP);
	struct pollfd in = { .fd = fd, .events = POLLIN };

	if (fd < 0)
		return fprintf(stderr, "nflog_hear: %s\n", strerror(-fd)), 1;
	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	puts("ready");
	while (poll(&in, 1, -1) >= 0 || errno == EINTR) {
		char buf[NFLOG_DATAGRAM_BYTES];
		struct nflog_sample sample;
		int n = nlrecv(fd, buf, sizeof(buf));
		struct bytes datagram = bytes_of(buf, n > 0 ? (size_t)n : 0);

		while (nflog_next(&datagram, &sample) == 1)
			if (sample.blocked.what != BLOCKED_NONE)
				say(&sample.blocked);
	}
	return 0;
}
