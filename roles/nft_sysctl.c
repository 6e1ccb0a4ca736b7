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
	/* the source rule asks the same of every packet, of both families and before conntrack
	 * (netguard/ruleset_forward.c): to ask again costs a packet 2 % */
	{ "ipv4/conf/all/rp_filter", "0", false },
	{ "ipv4/conf/default/rp_filter", "0", false },
	/* what is forwarded has no socket here: not to look for one is the kernel's own advice for
	 * routers (Documentation/networking/ip-sysctl.rst) */
	{ "ipv4/ip_early_demux", "0", false },
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
	{ "ipv4/conf/%/rp_filter", "0", false },
	{ "ipv4/conf/%/send_redirects", "0", false }, /* this one or "all": either would send */
	{ "ipv4/conf/%/proxy_arp", "0", false },
	{ "ipv6/conf/%/accept_ra", "2", true }, /* though it forwards: its router is out there */
	{ "ipv6/conf/%/accept_ra_rt_info_max_plen", "0", true }, /* RFC 4191: no routes but ::/0 */
	{ "ipv6/conf/%/accept_redirects", "0", true },
	{ "ipv6/conf/%/forwarding", "1", true },
};

/* A tunnel is made inside and has what "default" gave it: nobody has to prepare it. */
static const struct want of_tunnel[] = {
	{ "ipv4/conf/%/rp_filter", "0", false },       { "ipv4/conf/%/send_redirects", "0", false },
	{ "ipv4/conf/%/proxy_arp", "0", false },       { "ipv6/conf/%/accept_ra", "0", true },
	{ "ipv6/conf/%/accept_redirects", "0", true }, { "ipv6/conf/%/forwarding", "1", true },
};

enum { VALUE_BYTES = 64 };

static int open_switch(const char *name, int flags)
{
	char path[128];
	int fd;

	if (snprintf(path, sizeof(path), "/proc/sys/net/%s", name) >= (int)sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

/* The switch's text without its newline; cut to fit. 0 or negative errno. */
static int read_switch(int fd, char out[VALUE_BYTES])
{
	ssize_t n = pread(fd, out, VALUE_BYTES - 1, 0);

	if (n < 0)
		return -errno;
	out[n] = '\0';
	out[strcspn(out, "\n")] = '\0';
	return 0;
}

static void demand(struct nft_sysctl *s, const struct want *want, const char *uplink)
{
	const char *mark = strchr(want->name, '%');
	struct nft_sysctl_kept *kept = &s->kept[s->n];
	char found[VALUE_BYTES];
	int r;

	if (s->n == ARRAY_LEN(s->kept))
		die("check '/proc/sys/net/%s': too many switches", want->name);
	if (mark)
		(void)snprintf(kept->name, sizeof(kept->name), "%.*s%s%s", (int)(mark - want->name),
			       want->name, uplink, mark + 1);
	else
		(void)snprintf(kept->name, sizeof(kept->name), "%s", want->name);
	kept->value = want->value;
	kept->fd = open_switch(kept->name, O_RDWR);
	if (kept->fd == -EROFS || kept->fd == -EACCES) /* where we may not set it, we look at it */
		kept->fd = open_switch(kept->name, O_RDONLY);
	if (kept->fd == -ENOENT && want->absent_ok)
		return;
	r = kept->fd < 0 ? kept->fd : read_switch(kept->fd, found);
	if (r < 0) {
		errno = -r;
		die("check '/proc/sys/net/%s': %m", kept->name);
	}
	if (strcmp(found, want->value) != 0)
		die("check '/proc/sys/net/%s': it is '%s', not '%s'; "
		    "run 'bulkhead-netns %s%s' again",
		    kept->name, found, want->value, mark ? "uplink " : "up", mark ? uplink : "");
	s->n++;
}

static void demand_uplink(struct nft_sysctl *s, uint32_t kind, const char *ifname)
{
	const struct want *want = kind == UPLINK_TUNNEL ? of_tunnel : of_uplink;
	size_t n = kind == UPLINK_TUNNEL ? ARRAY_LEN(of_tunnel) : ARRAY_LEN(of_uplink);

	for (size_t i = 0; i < n; i++)
		demand(s, &want[i], ifname);
}

void nft_sysctl_demand(struct nft_sysctl *s, const struct ruleset *ruleset)
{
	for (size_t i = 0; i < ARRAY_LEN(of_namespace); i++)
		demand(s, &of_namespace[i], "");
	for (unsigned u = 0; u < ruleset->n_uplinks; u++)
		demand_uplink(s, ruleset->kind[u], ruleset->uplink[u]);
}

/* The kernel asks at each write, not at the open: CAP_NET_ADMIN over the namespace is enough. */
static int set_right(const struct nft_sysctl_kept *kept)
{
	size_t n = strlen(kept->value);

	return pwrite(kept->fd, kept->value, n, 0) == (ssize_t)n ? 0 : errno ? -errno : -EIO;
}

const char *nft_sysctl_look(const struct nft_sysctl *s, int *ret_error)
{
	*ret_error = 0;
	for (unsigned i = 0; i < s->n; i++) {
		const struct nft_sysctl_kept *kept = &s->kept[i];
		char found[VALUE_BYTES];
		int r = read_switch(kept->fd, found);

		if (r == -ENOENT || (r == 0 && strcmp(found, kept->value) == 0))
			continue; /* gone with its link, or right */
		if (r == 0)
			r = set_right(kept);
		if (r == 0)
			r = read_switch(kept->fd, found);
		if (r == 0 && strcmp(found, kept->value) != 0)
			r = -EPERM;
		*ret_error = r;
		return kept->name;
	}
	return NULL;
}

uint32_t nft_sysctl_flows_max(void)
{
	char text[VALUE_BYTES];
	OWNS_FD int fd = open_switch("netfilter/nf_conntrack_max", O_RDONLY);
	unsigned long n;

	if (fd < 0 || read_switch(fd, text) < 0)
		return 0;
	n = strtoul(text, NULL, 10);
	return n > UINT32_MAX ? UINT32_MAX : (uint32_t)n;
}
