#include "roles/supervisor_wait_up.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <stdbool.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/defer.h"
#include "base/log.h"

static bool is_up(int fd, const char *ifname)
{
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP;
}

void supervisor_wait_up(const char *word, const char *ifname)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	OWNS_FD int ask = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	OWNS_FD int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char event[256]; /* what it says does not matter: it is a reason to look */

	if (ask < 0 || events < 0 ||
	    bind(events, (const struct sockaddr *)&links, sizeof(links)) < 0)
		die("%s: watch link '%s': %m", word, ifname);
	while (!is_up(ask, ifname))
		if (recv(events, event, sizeof(event), 0) < 0 && errno != EINTR && errno != ENOBUFS)
			die("%s: watch link '%s': %m", word, ifname);
}
