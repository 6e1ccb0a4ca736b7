#include "roles/supervisor_dhcp.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <linux/capability.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"
#include "roles/supervisor_confine.h"

#define DHCPCD "/usr/sbin/dhcpcd"
#define CONF   "/run/dhcpcd.conf"

static const char CONF_TEXT[] =
	/* IPv6 addresses are the kernel's work (accept_ra 2) */
	"ipv4only\n"
	"noipv6rs\n"
	/* nothing outside the namespace: no resolver, name or clock; no scripts; no udev */
	"nohook resolv.conf, hostname, timesyncd, ntp\n"
	"script /bin/true\n"
	"nodev\n"
	/* ARP from a local socket does not pass the egress chain: do not wait for answers to it */
	"noarp\n"
	"noipv4ll\n"
	"nodelay\n"
	"timeout 0\n"
	/* RFC 7844: no host name, no vendor class, a client identifier from the link alone */
	"anonymous\n"
	/* asked for after "anonymous": what tells a corporate network; sniff reads the answers */
	"option subnet_mask, routers, domain_name_servers, domain_name, domain_search\n"
	/* option 121 could draw traffic past the default route */
	"nooption classless_static_routes, ms_classless_static_routes, static_routes\n";

static const int kept_caps[] = {
	CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, /* DHCP itself */
	CAP_SETUID,    CAP_SETGID,  CAP_SYS_CHROOT,	  /* becoming user dhcpcd, chroot */
	CAP_KILL,					  /* its own children of that user */
};

static bool is_up(int fd, const char *ifname)
{
	struct ifreq r = { 0 };

	memcpy(r.ifr_name, ifname, strnlen(ifname, sizeof(r.ifr_name) - 1));
	return ioctl(fd, SIOCGIFFLAGS, &r) == 0 && r.ifr_flags & IFF_UP;
}

/* dhcpcd would bring the link up itself: before its egress chain stands, if we let it. */
static void wait_until_up(const char *ifname)
{
	struct sockaddr_nl links = { .nl_family = AF_NETLINK, .nl_groups = RTMGRP_LINK };
	OWNS_FD int ask = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	OWNS_FD int events = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	char event[256]; /* what it says does not matter: it is a reason to look */

	if (ask < 0 || events < 0 ||
	    bind(events, (const struct sockaddr *)&links, sizeof(links)) < 0)
		die("dhcp: watch link '%s': %m", ifname);
	while (!is_up(ask, ifname))
		if (recv(events, event, sizeof(event), 0) < 0 && errno != EINTR && errno != ENOBUFS)
			die("dhcp: watch link '%s': %m", ifname);
}

_Noreturn void supervisor_dhcp_exec(const char *ifname)
{
	char name[IFNAMSIZ] = { 0 };
	char path[] = DHCPCD, foreground[] = "-B", quiet[] = "-q", file[] = "-f", conf[] = CONF;
	char *argv[] = { path, foreground, quiet, file, conf, name, NULL };
	const struct confine dhcpcd = {
		.word = "dhcp",
		.argv = argv,
		.caps = kept_caps,
		.n_caps = ARRAY_LEN(kept_caps),
		.folder = "/var/lib/dhcpcd",
		.file = { { CONF, CONF_TEXT } },
	};

	memcpy(name, ifname, strnlen(ifname, sizeof(name) - 1));
	wait_until_up(ifname);
	supervisor_confine_exec(&dhcpcd);
}
