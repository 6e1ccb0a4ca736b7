#include "netguard/link.h"

#include <errno.h>
#include <linux/if_addr.h>
#include <linux/if_link.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <libmnl/libmnl.h>

#include "base/util.h"

enum {
	LINK_LOWER_UP =
		0x10000,       /* IFF_LOWER_UP of linux/if.h, which cannot stand beside net/if.h */
	LINK_ERRNO_MAX = 4095, /* MAX_ERRNO of the kernel */
};

int link_subscribe(int fd)
{
	static const int groups[] = { RTNLGRP_LINK, RTNLGRP_IPV4_IFADDR, RTNLGRP_IPV6_IFADDR,
				      RTNLGRP_IPV4_ROUTE, RTNLGRP_IPV6_ROUTE };

	for (size_t i = 0; i < ARRAY_LEN(groups); i++)
		if (setsockopt(fd, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &groups[i],
			       sizeof(groups[i])) < 0)
			return -errno;
	return 0;
}

int link_dump_request(int fd, enum link_dump what)
{
	static const uint16_t types[N_LINK_DUMPS] = { RTM_GETLINK, RTM_GETADDR, RTM_GETROUTE };
	static const size_t bodies[N_LINK_DUMPS] = { sizeof(struct ifinfomsg),
						     sizeof(struct ifaddrmsg),
						     sizeof(struct rtmsg) };
	_Alignas(struct nlmsghdr) char buf[64] = { 0 }; /* 16 of header, at most 16 of body */
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	struct nlmsghdr *head = mnl_nlmsg_put_header(buf);
	struct iovec part = { .iov_base = buf };
	struct msghdr msg = { .msg_name = &kernel,
			      .msg_namelen = sizeof(kernel),
			      .msg_iov = &part,
			      .msg_iovlen = 1 };

	head->nlmsg_type = types[what];
	head->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	head->nlmsg_seq = (uint32_t)what + 1;
	(void)mnl_nlmsg_put_extra_header(head, bodies[what]);
	part.iov_len = head->nlmsg_len;
	return sendmsg(fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL) < 0 ? -errno : 0;
}

struct link_reader link_read(const void *buf, size_t len_bytes)
{
	return (struct link_reader){ .at = buf, .left_bytes = len_bytes };
}

/* The attributes of one message, by type; a type above max is of no interest. */
struct link_attrs {
	const struct nlattr *at[IFLA_MAX + RTA_MAX + IFA_MAX + 1];
	uint16_t max;
};

static int link_attr_keep(const struct nlattr *attr, void *data)
{
	struct link_attrs *attrs = data;
	uint16_t type = mnl_attr_get_type(attr);

	if (type <= attrs->max)
		attrs->at[type] = attr;
	return MNL_CB_OK;
}

/* Copy an attribute that must have exactly n bytes; false when it is absent or has another size. */
static bool link_attr_copy(const struct nlattr *attr, void *out, size_t n)
{
	if (!attr || mnl_attr_get_payload_len(attr) != n)
		return false;
	memcpy(out, mnl_attr_get_payload(attr), n);
	return true;
}

static int link_parse_link(const struct nlmsghdr *head, struct link_fact *ret)
{
	struct link_attrs attrs = { .max = IFLA_MAX };
	const struct ifinfomsg *info = mnl_nlmsg_get_payload(head);
	const struct nlattr *name;

	if (mnl_nlmsg_get_payload_len(head) < sizeof(*info) || info->ifi_index <= 0)
		return -EBADMSG;
	if (info->ifi_family != AF_UNSPEC)
		return 0; /* AF_BRIDGE: about a bridge's port, not about the link */
	if (mnl_attr_parse(head, sizeof(*info), link_attr_keep, &attrs) < 0)
		return -EBADMSG;
	name = attrs.at[IFLA_IFNAME];
	if (!name || mnl_attr_validate(name, MNL_TYPE_NUL_STRING) < 0 ||
	    mnl_attr_get_payload_len(name) > LINK_NAME_BYTES)
		return -EBADMSG;
	ret->event = head->nlmsg_type == RTM_NEWLINK ? LINK_SET : LINK_GONE;
	ret->ifindex = (uint32_t)info->ifi_index;
	memcpy(ret->ifname, mnl_attr_get_payload(name), mnl_attr_get_payload_len(name));
	if (ret->event == LINK_SET) {
		ret->up = info->ifi_flags & IFF_UP;
		ret->carrier = ret->up && (info->ifi_flags & LINK_LOWER_UP);
		(void)link_attr_copy(attrs.at[IFLA_ADDRESS], ret->mac, sizeof(ret->mac));
		(void)link_attr_copy(attrs.at[IFLA_CARRIER_DOWN_COUNT], &ret->n_losses,
				     sizeof(ret->n_losses));
	}
	return 1;
}

static int link_parse_address(const struct nlmsghdr *head, struct link_fact *ret)
{
	struct link_attrs attrs = { .max = IFA_MAX };
	const struct ifaddrmsg *info = mnl_nlmsg_get_payload(head);
	size_t n;

	if (mnl_nlmsg_get_payload_len(head) < sizeof(*info) || info->ifa_index == 0)
		return -EBADMSG;
	if (info->ifa_family != AF_INET && info->ifa_family != AF_INET6)
		return 0;
	if (mnl_attr_parse(head, sizeof(*info), link_attr_keep, &attrs) < 0)
		return -EBADMSG;
	n = info->ifa_family == AF_INET ? 4 : 16;
	/* on a point-to-point link IFA_ADDRESS is the other end, IFA_LOCAL ours */
	if (!link_attr_copy(attrs.at[IFA_LOCAL], ret->address, n) &&
	    !link_attr_copy(attrs.at[IFA_ADDRESS], ret->address, n))
		return -EBADMSG;
	ret->event = head->nlmsg_type == RTM_NEWADDR ? LINK_ADDRESS_SET : LINK_ADDRESS_GONE;
	ret->ifindex = info->ifa_index;
	ret->family = info->ifa_family;
	ret->prefix_bits = info->ifa_prefixlen;
	return 1;
}

static int link_parse_route(const struct nlmsghdr *head, struct link_fact *ret)
{
	struct link_attrs attrs = { .max = RTA_MAX };
	const struct rtmsg *info = mnl_nlmsg_get_payload(head);

	if (mnl_nlmsg_get_payload_len(head) < sizeof(*info))
		return -EBADMSG;
	if ((info->rtm_family != AF_INET && info->rtm_family != AF_INET6) ||
	    info->rtm_dst_len != 0 || info->rtm_type != RTN_UNICAST ||
	    (info->rtm_flags & RTM_F_CLONED))
		return 0;
	if (mnl_attr_parse(head, sizeof(*info), link_attr_keep, &attrs) < 0)
		return -EBADMSG;
	/* without RTA_OIF there are several next hops: ifindex stays 0 */
	(void)link_attr_copy(attrs.at[RTA_OIF], &ret->ifindex, sizeof(ret->ifindex));
	(void)link_attr_copy(attrs.at[RTA_GATEWAY], ret->address,
			     info->rtm_family == AF_INET ? 4 : 16);
	ret->event = head->nlmsg_type == RTM_NEWROUTE ? LINK_GATEWAY_SET : LINK_GATEWAY_GONE;
	ret->family = info->rtm_family;
	return 1;
}

static int link_parse_error(const struct nlmsghdr *head)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(head);

	if (mnl_nlmsg_get_payload_len(head) < sizeof(*error) || error->error > 0 ||
	    error->error < -LINK_ERRNO_MAX)
		return -EBADMSG;
	return error->error;
}

static int link_parse(const struct nlmsghdr *head, struct link_fact *ret)
{
	switch (head->nlmsg_type) {
	case RTM_NEWLINK:
	case RTM_DELLINK:
		return link_parse_link(head, ret);
	case RTM_NEWADDR:
	case RTM_DELADDR:
		return link_parse_address(head, ret);
	case RTM_NEWROUTE:
	case RTM_DELROUTE:
		return link_parse_route(head, ret);
	case NLMSG_DONE:
		ret->event = LINK_DUMP_END;
		return 1;
	case NLMSG_ERROR:
		return link_parse_error(head);
	default:
		return 0;
	}
}

int link_next(struct link_reader *reader, struct link_fact *ret)
{
	int r = 0;

	while (r == 0 && reader->left_bytes > 0) {
		struct link_fact fact = { 0 };
		const struct nlmsghdr *head = (const void *)reader->at;
		size_t step;

		/* not mnl_nlmsg_ok(): it passes a length above INT_MAX as a negative one */
		if (reader->left_bytes < sizeof(*head) || head->nlmsg_len < sizeof(*head) ||
		    head->nlmsg_len > reader->left_bytes)
			return -EBADMSG;
		/* libmnl reads attributes up to the aligned end; the kernel aligns each of them */
		if (head->nlmsg_type >= RTM_BASE && head->nlmsg_len % NLMSG_ALIGNTO != 0)
			return -EBADMSG;
		r = link_parse(head, &fact);
		if (r == 1)
			*ret = fact;
		/* the padding behind the last message may be missing */
		step = MIN((size_t)NLMSG_ALIGN(head->nlmsg_len), reader->left_bytes);
		reader->at += step;
		reader->left_bytes -= step;
	}
	return r;
}
