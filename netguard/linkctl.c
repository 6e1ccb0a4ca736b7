#include "netguard/linkctl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/if.h>
#include <linux/if_link.h>
#include <linux/neighbour.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <linux/rtnetlink.h>

#include "netguard/nltalk.h"

/* One pass holds what fits the stack; a link with more neighbours takes more passes. The kernel
 * keeps at most gc_thresh3 (1024) of a family, so 16 are enough, and a scan that goes on beside us
 * cannot keep us here. */
enum { PASS_NEIGHBOURS = 256, N_PASSES = 16, REQUEST_BYTES = 256 };

struct linkctl {
	struct mnl_socket *route;
	struct mnl_socket *conntrack;
	uint32_t seq;
};

struct neighbour {
	uint8_t family;
	uint8_t address[16];
};

struct pass {
	unsigned ifindex;
	unsigned n;
	struct neighbour neighbour[PASS_NEIGHBOURS];
};

int linkctl_new(struct linkctl **ret)
{
	struct linkctl *ctl = calloc(1, sizeof(*ctl));
	int r;

	if (!ctl)
		return -ENOMEM;
	r = nltalk_open(NETLINK_ROUTE, &ctl->route);
	if (r == 0)
		r = nltalk_open(NETLINK_NETFILTER, &ctl->conntrack);
	if (r < 0) {
		linkctl_free(ctl);
		return r;
	}
	*ret = ctl;
	return 0;
}

void linkctl_free(struct linkctl *ctl)
{
	if (!ctl)
		return;
	nltalk_close(ctl->route);
	nltalk_close(ctl->conntrack);
	free(ctl);
}

/* buf: REQUEST_BYTES, aligned. */
static struct nlmsghdr *request(struct linkctl *ctl, void *buf, uint16_t type, uint16_t flags)
{
	struct nlmsghdr *nlh;

	memset(buf, 0, REQUEST_BYTES);
	nlh = mnl_nlmsg_put_header(buf);
	nlh->nlmsg_type = type;
	nlh->nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
	nlh->nlmsg_seq = ++ctl->seq;
	return nlh;
}

static int take_ifindex(const struct nlmsghdr *nlh, void *data)
{
	const struct ifinfomsg *link = mnl_nlmsg_get_payload(nlh);
	unsigned *ret_ifindex = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*link) || link->ifi_index <= 0)
		return MNL_CB_ERROR;
	*ret_ifindex = (unsigned)link->ifi_index;
	return MNL_CB_OK;
}

int linkctl_find(struct linkctl *ctl, const char *ifname, unsigned *ret_ifindex)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = request(ctl, buf, RTM_GETLINK, 0);
	unsigned ifindex = 0;
	int r;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ifinfomsg));
	if (!mnl_attr_put_strz_check(nlh, REQUEST_BYTES, IFLA_IFNAME, ifname))
		return -EINVAL;
	r = nltalk_get(ctl->route, nlh, take_ifindex, &ifindex);
	if (r == 0)
		*ret_ifindex = ifindex;
	return r;
}

static int take_attached(const struct nlattr *attr, void *data)
{
	bool *attached = data;

	if (mnl_attr_get_type(attr) == IFLA_XDP_ATTACHED && mnl_attr_get_payload_len(attr) == 1)
		*attached = mnl_attr_get_u8(attr) != XDP_ATTACHED_NONE;
	return MNL_CB_OK;
}

static int take_xdp(const struct nlattr *attr, void *data)
{
	return mnl_attr_get_type(attr) == IFLA_XDP
		       ? mnl_attr_parse_nested(attr, take_attached, data)
		       : MNL_CB_OK;
}

static int take_link_xdp(const struct nlmsghdr *nlh, void *data)
{
	return mnl_attr_parse(nlh, sizeof(struct ifinfomsg), take_xdp, data);
}

int linkctl_xdp(struct linkctl *ctl, unsigned ifindex, bool *ret_attached)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = request(ctl, buf, RTM_GETLINK, 0);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));
	bool attached = false;
	int r;

	link->ifi_index = (int)ifindex;
	r = nltalk_get(ctl->route, nlh, take_link_xdp, &attached);
	if (r == 0)
		*ret_attached = attached;
	return r;
}

static int set_flags(struct linkctl *ctl, unsigned ifindex, unsigned flags)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = request(ctl, buf, RTM_NEWLINK, NLM_F_ACK);
	struct ifinfomsg *link = mnl_nlmsg_put_extra_header(nlh, sizeof(*link));

	link->ifi_index = (int)ifindex;
	link->ifi_flags = flags;
	link->ifi_change = IFF_UP;
	return nltalk_send(ctl->route, nlh, nlh->nlmsg_len, 1);
}

int linkctl_set_up(struct linkctl *ctl, unsigned ifindex)
{
	return set_flags(ctl, ifindex, IFF_UP);
}

int linkctl_set_down(struct linkctl *ctl, unsigned ifindex)
{
	return set_flags(ctl, ifindex, 0);
}

static int take_destination(const struct nlattr *attr, void *data)
{
	struct neighbour *n = data;

	if (mnl_attr_get_type(attr) == NDA_DST &&
	    mnl_attr_get_payload_len(attr) <= sizeof(n->address)) {
		n->family = mnl_attr_get_payload_len(attr) == 4 ? AF_INET : AF_INET6;
		memcpy(n->address, mnl_attr_get_payload(attr), mnl_attr_get_payload_len(attr));
	}
	return MNL_CB_OK;
}

/* Those that ARP or ND resolve, or fail to; the fixed ones of multicast queue nothing. */
static int take_neighbour(const struct nlmsghdr *nlh, void *data)
{
	const struct ndmsg *nd = mnl_nlmsg_get_payload(nlh);
	struct neighbour n = { 0 };
	struct pass *pass = data;

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*nd))
		return MNL_CB_ERROR;
	if (nlh->nlmsg_type != RTM_NEWNEIGH || nd->ndm_ifindex != (int)pass->ifindex ||
	    nd->ndm_state & (NUD_NOARP | NUD_PERMANENT) || pass->n == PASS_NEIGHBOURS)
		return MNL_CB_OK;
	(void)mnl_attr_parse(nlh, sizeof(*nd), take_destination, &n);
	if (n.family == nd->ndm_family)
		pass->neighbour[pass->n++] = n;
	return MNL_CB_OK;
}

static int delete_neighbour(struct linkctl *ctl, unsigned ifindex, const struct neighbour *n)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = request(ctl, buf, RTM_DELNEIGH, NLM_F_ACK);
	struct ndmsg *nd = mnl_nlmsg_put_extra_header(nlh, sizeof(*nd));
	int r;

	nd->ndm_family = n->family;
	nd->ndm_ifindex = (int)ifindex;
	mnl_attr_put(nlh, NDA_DST, n->family == AF_INET ? 4 : 16, n->address);
	r = nltalk_send(ctl->route, nlh, nlh->nlmsg_len, 1);
	return r == -ENOENT ? 0 : r; /* it went by itself */
}

static int flush_pass(struct linkctl *ctl, struct pass *pass)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh = request(ctl, buf, RTM_GETNEIGH, NLM_F_DUMP);
	int r;

	mnl_nlmsg_put_extra_header(nlh, sizeof(struct ndmsg));
	mnl_attr_put_u32(nlh, NDA_IFINDEX, pass->ifindex);
	pass->n = 0;
	r = nltalk_get(ctl->route, nlh, take_neighbour, pass);
	if (r == -ENODATA)
		return 0;
	if (r == -EINTR) /* the table moved: delete what was seen, look again */
		r = 0;
	for (unsigned i = 0; i < pass->n && r == 0; i++)
		r = delete_neighbour(ctl, pass->ifindex, &pass->neighbour[i]);
	return r;
}

int linkctl_flush_neighbours(struct linkctl *ctl, unsigned ifindex)
{
	struct pass pass = { .ifindex = ifindex };

	for (unsigned i = 0; i < N_PASSES; i++) {
		int r = flush_pass(ctl, &pass);

		if (r < 0 || pass.n == 0)
			return r;
	}
	return 0; /* what appears now was resolved under the new state */
}

int linkctl_delete_flows(struct linkctl *ctl, uint32_t mark, uint32_t mask)
{
	_Alignas(struct nlmsghdr) char buf[REQUEST_BYTES];
	struct nlmsghdr *nlh =
		request(ctl, buf, NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_DELETE, NLM_F_ACK);
	struct nfgenmsg *nf = mnl_nlmsg_put_extra_header(nlh, sizeof(*nf));

	nf->nfgen_family = AF_UNSPEC;
	nf->version = NFNETLINK_V0;
	mnl_attr_put_u32(nlh, CTA_MARK, htonl(mark));
	mnl_attr_put_u32(nlh, CTA_MARK_MASK, htonl(mask));
	return nltalk_send(ctl->conntrack, nlh, nlh->nlmsg_len, 1);
}
