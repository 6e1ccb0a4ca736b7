#include "roles/nft_xdp.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

enum { LIST_BYTES = 32768 }; /* some 40 protocols of 120 bytes */

/* The list is whole, or the process is gone. */
static void read_list(const struct nft_xdp *x, char out[LIST_BYTES])
{
	size_t len_bytes = 0;
	ssize_t n;

	while ((n = pread(x->fd, out + len_bytes, LIST_BYTES - 1 - len_bytes, (off_t)len_bytes)) >
	       0)
		len_bytes += (size_t)n;
	if (n < 0 || len_bytes == LIST_BYTES - 1)
		die("read '/proc/net/protocols': %s", n < 0 ? strerror(errno) : "too long");
	out[len_bytes] = '\0';
}

/* "XDP 1088 0 ...": name, size, sockets of this namespace. A kernel without the line has no AF_XDP. */
static bool is_socket_open(const struct nft_xdp *x)
{
	char list[LIST_BYTES];
	const char *line;
	unsigned long n;
	char *end;

	read_list(x, list);
	line = strstr(list, "\nXDP ");
	if (!line)
		return false;
	(void)strtoul(line + 5, &end, 10);
	errno = 0;
	n = strtoul(end, &end, 10);
	if (errno != 0 || *end != ' ')
		die("read '/proc/net/protocols': its line of XDP is of another form");
	return n > 0;
}

void nft_xdp_open(struct nft_xdp *x)
{
	x->fd = open("/proc/net/protocols", O_RDONLY | O_CLOEXEC);
	if (x->fd < 0)
		die("open '/proc/net/protocols': %m");
}

const char *nft_xdp_look(const struct nft_xdp *x, struct linkctl *links,
			 const struct ruleset *ruleset, char ret[MSG_NAME_BYTES])
{
	if (is_socket_open(x)) {
		(void)snprintf(ret, MSG_NAME_BYTES, "a socket");
		return ret;
	}
	for (unsigned i = 0; i < ruleset->n_uplinks; i++) {
		bool attached;
		int r = linkctl_xdp(links, ruleset->ifindex[i], &attached);

		if (r == -ENODEV)
			continue; /* gone, and its programs with it */
		if (r < 0)
			die("ask for the XDP program of '%s': %s", ruleset->uplink[i],
			    strerror(-r));
		if (attached) {
			(void)snprintf(ret, MSG_NAME_BYTES, "a program on '%s'",
				       ruleset->uplink[i]);
			return ret;
		}
	}
	return NULL;
}
