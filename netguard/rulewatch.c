#include "netguard/rulewatch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/rtnetlink.h>

#include "base/log.h"
#include "netguard/nltalk.h"

enum {
	/* the largest change of ours is told in some 100 KiB; ours must not look like lost ones */
	BUFFER_BYTES = 4 * 1024 * 1024,
	MESSAGE_BYTES = 65536,
};

struct rulewatch {
	struct mnl_socket *rules;
	struct mnl_socket *links;
	uint32_t generation;
	_Alignas(struct nlmsghdr) char buf[MESSAGE_BYTES];
};

/* What one reading found. */
struct reading {
	uint32_t own_port;
	unsigned n_changes;
	bool foreign;
	uint32_t generation;
	struct rulewatch_who who;
	const struct ruleset *ruleset;
};

static int join(struct mnl_socket *nl, int group)
{
	int size_bytes = BUFFER_BYTES;

	if (mnl_socket_setsockopt(nl, NETLINK_ADD_MEMBERSHIP, &group, sizeof(group)) < 0 ||
	    setsockopt(mnl_socket_get_fd(nl), SOL_SOCKET, SO_RCVBUFFORCE, &size_bytes,
		       sizeof(size_bytes)) < 0)
		return -errno;
	return 0;
}

int rulewatch_new(struct rulewatch **ret)
{
	struct rulewatch *w = calloc(1, sizeof(*w));
	int r;

	if (!w)
		return -ENOMEM;
	r = nltalk_open(NETLINK_NETFILTER, &w->rules);
	if (r == 0)
		r = nltalk_open(NETLINK_ROUTE, &w->links);
	if (r == 0)
		r = join(w->rules, NFNLGRP_NFTABLES);
	if (r == 0)
		r = join(w->links, RTNLGRP_LINK);
	if (r < 0) {
		rulewatch_free(w);
		return r;
	}
	*ret = w;
	return 0;
}

void rulewatch_free(struct rulewatch *watch)
{
	if (!watch)
		return;
	nltalk_close(watch->rules);
	nltalk_close(watch->links);
	free(watch);
}

int rulewatch_rules_fd(const struct rulewatch *watch)
{
	return mnl_socket_get_fd(watch->rules);
}

int rulewatch_links_fd(const struct rulewatch *watch)
{
	return mnl_socket_get_fd(watch->links);
}

/* A process names itself: its bytes are not to be trusted on their way to a log. */
static int take_who(const struct nlattr *attr, void *data)
{
	struct rulewatch_who *who = data;

	if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_PID && mnl_attr_get_payload_len(attr) == 4)
		who->pid = ntohl(mnl_attr_get_u32(attr));
	if (mnl_attr_get_type(attr) == NFTA_GEN_PROC_NAME)
		(void)log_quote(mnl_attr_get_payload(attr),
				strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)),
				who->process, sizeof(who->process));
	return MNL_CB_OK;
}

static int take_generation(const struct nlattr *attr, void *data)
{
	uint32_t *generation = data;

	if (mnl_attr_get_type(attr) == NFTA_GEN_ID && mnl_attr_get_payload_len(attr) == 4)
		*generation = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

static void take_change(const struct nlmsghdr *nlh, struct reading *r)
{
	if (nlh->nlmsg_type != (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN))
		return;
	r->n_changes++;
	r->generation = 0;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_generation, &r->generation);
	if (r->foreign || nlh->nlmsg_pid == r->own_port)
		return;
	r->foreign = true;
	(void)mnl_attr_parse(nlh, sizeof(struct nfgenmsg), take_who, &r->who);
}

static int take_name(const struct nlattr *attr, void *data)
{
	char *name = data;

	if (mnl_attr_get_type(attr) == IFLA_IFNAME)
		(void)log_quote(mnl_attr_get_payload(attr),
				strnlen(mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr)),
				name, MSG_IFNAME_BYTES);
	return MNL_CB_OK;
}

static void take_link(const struct nlmsghdr *nlh, struct reading *r)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	char name[MSG_IFNAME_BYTES] = "";

	if (nlh->nlmsg_type != RTM_NEWLINK || mnl_nlmsg_get_payload_len(nlh) < sizeof(*link))
		return;
	for (unsigned i = 0; i < r->ruleset->n_uplinks && !r->foreign; i++) {
		if (link->ifi_index != (int)r->ruleset->ifindex[i])
			continue;
		(void)mnl_attr_parse(nlh, sizeof(*link), take_name, name);
		if (name[0] == '\0' || strcmp(name, r->ruleset->uplink[i]) == 0)
			continue;
		r->foreign = true;
		memcpy(r->who.link, name, sizeof(name));
	}
}

static int read_all(struct rulewatch *w, struct mnl_socket *nl, struct reading *reading,
		    void (*take)(const struct nlmsghdr *, struct reading *))
{
	for (;;) {
		ssize_t n = mnl_socket_recvfrom(nl, w->buf, sizeof(w->buf));
		const struct nlmsghdr *nlh = (const void *)w->buf;
		int left = (int)n;

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN ? 0 : -errno;
		for (; mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left))
			take(nlh, reading);
		if (reading->foreign)
			return 0;
	}
}

static int result(int r, const struct reading *reading, struct rulewatch_who *ret)
{
	if (r == -ENOSPC) /* libmnl's word for a message that did not fit: as bad as a lost one */
		r = -ENOBUFS;
	if (r == -ENOBUFS || reading->foreign)
		*ret = reading->who;
	return r < 0 ? r : reading->foreign ? -EPERM : 0;
}

int rulewatch_rules(struct rulewatch *watch, uint32_t own_port, struct rulewatch_who *ret)
{
	struct reading reading = { .own_port = own_port };

	int r = result(read_all(watch, watch->rules, &reading, take_change), &reading, ret);

	if (r < 0)
		watch->generation = 0;
	else if (reading.n_changes > 0)
		watch->generation = reading.generation;
	return r;
}

uint32_t rulewatch_generation(const struct rulewatch *watch)
{
	return watch->generation;
}

int rulewatch_rules_once(struct rulewatch *watch)
{
	struct reading reading = { .foreign = false };
	int r;

	/* all of them, whoever made them */
	do {
		reading.foreign = false;
		r = read_all(watch, watch->rules, &reading, take_change);
	} while (r == 0 && reading.foreign);
	if (r < 0)
		return r;
	return reading.n_changes == 1 ? 0 : -EPERM;
}

int rulewatch_links(struct rulewatch *watch, const struct ruleset *ruleset,
		    struct rulewatch_who *ret)
{
	struct reading reading = { .ruleset = ruleset };

	return result(read_all(watch, watch->links, &reading, take_link), &reading, ret);
}
