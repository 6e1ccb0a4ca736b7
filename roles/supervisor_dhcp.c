#include "roles/supervisor_dhcp.h"

#include <string.h>

#include <linux/capability.h>
#include <net/if.h>

#include "base/util.h"
#include "roles/supervisor_confine.h"
#include "roles/supervisor_wait_up.h"

#define DHCPCD "/usr/sbin/dhcpcd"
#define CONF   "/run/dhcpcd.conf"

static const char CONF_TEXT[] =
	/* routers' words and addresses by them are the kernel's work (accept_ra 2); asked for here, whatever
	 * a router says, are addresses of DHCPv6 */
	"noipv6rs\n"
	"ia_na\n"
	/* nothing outside the namespace: no resolver, name or clock; no scripts; no udev */
	"nohook resolv.conf, hostname, timesyncd, ntp\n"
	"script /bin/true\n"
	"nodev\n"
	/* ARP from a local socket does not pass the egress chain: do not wait for answers to it */
	"noarp\n"
	"noipv4ll\n"
	"nodelay\n"
	"timeout 0\n"
	/* RFC 7844: no host name, no vendor class, a client identifier and DUID from the link alone */
	"anonymous\n"
	/* asked for after "anonymous": what tells a corporate network; sniff reads the answers */
	"option subnet_mask, routers, domain_name_servers, domain_name, domain_search\n"
	"option dhcp6_name_servers, dhcp6_domain_search\n"
	/* option 121 could draw traffic past the default route */
	"nooption classless_static_routes, ms_classless_static_routes, static_routes\n";

static const int kept_caps[] = {
	CAP_NET_ADMIN, CAP_NET_RAW, CAP_NET_BIND_SERVICE, /* DHCP itself */
	CAP_SETUID,    CAP_SETGID,  CAP_SYS_CHROOT,	  /* becoming user dhcpcd, chroot */
	CAP_KILL,					  /* its own children of that user */
};

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
	supervisor_wait_up(dhcpcd.word, ifname);
	supervisor_confine_exec(&dhcpcd);
}
