#include "roles/nft_sysctl.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"

struct want {
	const char *name; /* below /proc/sys/net; '%' stands for the uplink */
	const char *value;
	bool absent_ok; /* the kernel may lack what it switches */
};

static const struct want of_namespace[] = {
	{ "ipv4/ip_forward", "1", false },
	{ "ipv6/conf/all/forwarding", "1", true },
	/* the port's own strictness counts (default: strict); on uplinks the source rule is
	 * stricter than "loose" and, unlike "strict", lets a second uplink hear */
	{ "ipv4/conf/all/rp_filter", "0", false },
	{ "ipv4/conf/default/rp_filter", "1", false },
	{ "ipv4/conf/all/arp_ignore", "2", false }, /* answer for the link's own addresses only */
	{ "ipv4/conf/all/arp_announce", "2", false },
	{ "ipv4/conf/all/accept_redirects", "0", false },
	{ "ipv4/conf/all/send_redirects", "0", false },
	{ "ipv4/conf/default/send_redirects", "0", false },
	{ "ipv4/conf/all/accept_source_route", "0", false },
	{ "ipv4/conf/all/proxy_arp", "0", false },
	{ "ipv4/conf/all/route_localnet", "0", false },
	{ "ipv6/conf/all/accept_redirects", "0", true },
	{ "ipv6/conf/default/accept_ra", "0", true }, /* ports: nobody there is our router */
	{ "ipv6/conf/all/accept_source_route", "-1", true },
	{ "ipv6/conf/all/proxy_ndp", "0", true },
	/* an answer of the kernel must not inherit the epoch of what it answers */
	{ "ipv4/fwmark_reflect", "0", false },
	{ "ipv6/fwmark_reflect", "0", true },
	/* the classes' NAT ranges end below (netguard/ruleset.c) */
	{ "ipv4/ip_local_port_range", "60000\t60999", false },
	/* a flow that was cut is not picked up in its middle */
	{ "netfilter/nf_conntrack_tcp_loose", "0", false },
	{ "netfilter/nf_conntrack_helper", "0", true },
	{ "bridge/bridge-nf-call-iptables", "0", true },
	{ "bridge/bridge-nf-call-ip6tables", "0", true },
	{ "bridge/bridge-nf-call-arptables", "0", true },
};

static const struct want of_uplink[] = {
	{ "ipv4/conf/%/rp_filter", "2", false },
	{ "ipv4/conf/%/send_redirects", "0", false }, /* this one or "all": either would send */
	{ "ipv4/conf/%/proxy_arp", "0", false },
	{ "ipv6/conf/%/accept_ra", "2", true }, /* though it forwards: its router is out there */
	{ "ipv6/conf/%/accept_redirects", "0", true },
	{ "ipv6/conf/%/forwarding", "1", true },
};

/* The switch's text without its newline; cut to fit. 0 or negative errno. */
static int read_switch(const char *name, char *out, size_t out_bytes)
{
	char path[128];
	OWNS_FD int fd = -1;
	ssize_t n;

	if (snprintf(path, sizeof(path), "/proc/sys/net/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, out, out_bytes - 1);
	if (n < 0)
		return -errno;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static void demand(const struct want *want, const char *uplink)
{
	const char *mark = strchr(want->name, '%');
	char name[96], found[64];
	int r;

	if (mark)
		(void)snprintf(name, sizeof(name), "%.*s%s%s", (int)(mark - want->name), want->name,
			       uplink, mark + 1);
	else
		(void)snprintf(name, sizeof(name), "%s", want->name);
	r = read_switch(name, found, sizeof(found));
	if (r == -ENOENT && want->absent_ok)
		return;
	if (r < 0) {
		errno = -r;
		die("check '/proc/sys/net/%s': %m", name);
	}
	if (strcmp(found, want->value) != 0)
		die("check '/proc/sys/net/%s': it is '%s', not '%s'; "
		    "run 'bulkhead-netns %s%s' again",
		    name, found, want->value, mark ? "uplink " : "up", mark ? uplink : "");
}

void nft_sysctl_demand(const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ARRAY_LEN(of_namespace); i++)
		demand(&of_namespace[i], "");
	for (unsigned u = 0; u < ruleset->n_uplinks; u++)
		for (size_t i = 0; i < ARRAY_LEN(of_uplink); i++)
			demand(&of_uplink[i], ruleset->uplink[u]);
}

uint32_t nft_sysctl_flows_max(void)
{
	char text[32];
	unsigned long n;

	if (read_switch("netfilter/nf_conntrack_max", text, sizeof(text)) < 0)
		return 0;
	n = strtoul(text, NULL, 10);
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}
