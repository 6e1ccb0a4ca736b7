#include "hypervisor-glue/nbd_netlink.h"

#include <errno.h>
#include <stdlib.h>

#include <libmnl/libmnl.h>
#include <linux/genetlink.h>
#include <linux/nbd-netlink.h>
#include <linux/netlink.h>

enum { FAMILY_UNKNOWN = 0 };
enum { REPLY_BYTES = 8192 }; /* MNL_SOCKET_BUFFER_SIZE's upper bound; an answer is under 1 KiB */

/* How long requests wait for a new server before they fail: time for the supervisor to start one,
 * and less than a guest's own patience (Linux gives a disk 30 s before it complains). */
enum { DEAD_CONNECTION_TIMEOUT_S = 20 };

struct nbd_netlink {
	struct mnl_socket *socket;
	uint32_t seq;
	uint16_t family; /* FAMILY_UNKNOWN until nbd.ko was seen */
};

int nbd_netlink_open(struct nbd_netlink **ret)
{
	struct nbd_netlink *nl = calloc(1, sizeof(*nl));
	int r;

	if (!nl)
		return -ENOMEM;
	nl->socket = mnl_socket_open2(NETLINK_GENERIC, SOCK_CLOEXEC);
	if (!nl->socket || mnl_socket_bind(nl->socket, 0, MNL_SOCKET_AUTOPID) < 0) {
		r = -errno;
		nbd_netlink_free(nl);
		return r;
	}
	*ret = nl;
	return 0;
}

void nbd_netlink_free(struct nbd_netlink *nl)
{
	if (!nl)
		return;
	if (nl->socket)
		(void)mnl_socket_close(nl->socket);
	free(nl);
}

static struct nlmsghdr *begin(struct nbd_netlink *nl, char *buf, uint16_t family, uint8_t command,
			      uint8_t version)
{
	struct nlmsghdr *nlh = mnl_nlmsg_put_header(buf);
	struct genlmsghdr *genl;

	nlh->nlmsg_type = family;
	nlh->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	nlh->nlmsg_seq = ++nl->seq;
	genl = mnl_nlmsg_put_extra_header(nlh, sizeof(*genl));
	genl->cmd = command;
	genl->version = version;
	return nlh;
}

/* The attribute of this type and size in a generic netlink message, or NULL. */
static const struct nlattr *attr_find(const struct nlmsghdr *nlh, uint16_t type, size_t size_bytes)
{
	const struct nlattr *attr;
	const char *end = mnl_nlmsg_get_payload_tail(nlh);

	if (mnl_nlmsg_get_payload_len(nlh) < sizeof(struct genlmsghdr))
		return NULL;
	attr = mnl_nlmsg_get_payload_offset(nlh, sizeof(struct genlmsghdr));
	for (; mnl_attr_ok(attr, (int)(end - (const char *)attr)); attr = mnl_attr_next(attr))
		if (mnl_attr_get_type(attr) == type && mnl_attr_get_payload_len(attr) == size_bytes)
			return attr;
	return NULL;
}

/* CTRL_CMD_GETFAMILY answers with the controller's own type; the id is an attribute like an index,
 * only of 16 bits. */
static int message_parse(const struct nlmsghdr *nlh, uint16_t family, uint32_t *ret_index)
{
	const struct nlattr *attr;

	if (nlh->nlmsg_type == NLMSG_ERROR) {
		const struct nlmsgerr *e = mnl_nlmsg_get_payload(nlh);

		if (mnl_nlmsg_get_payload_len(nlh) < sizeof(*e) || e->error > 0)
			return -EPROTO;
		return e->error < 0 ? e->error : NBD_NETLINK_DONE;
	}
	if (nlh->nlmsg_type != family)
		return -EPROTO;
	if (family == GENL_ID_CTRL) {
		attr = attr_find(nlh, CTRL_ATTR_FAMILY_ID, sizeof(uint16_t));
		if (attr)
			*ret_index = mnl_attr_get_u16(attr);
	} else {
		attr = attr_find(nlh, NBD_ATTR_INDEX, sizeof(uint32_t));
		if (attr)
			*ret_index = mnl_attr_get_u32(attr);
	}
	return NBD_NETLINK_MORE;
}

int nbd_netlink_reply_parse(const void *data, size_t len_bytes, uint16_t family, uint32_t seq,
			    uint32_t *ret_index)
{
	const struct nlmsghdr *nlh = data;
	int left = (int)len_bytes;
	int r = NBD_NETLINK_MORE;

	if (len_bytes > REPLY_BYTES || !mnl_nlmsg_ok(nlh, left))
		return -EPROTO;
	for (; r == NBD_NETLINK_MORE && mnl_nlmsg_ok(nlh, left); nlh = mnl_nlmsg_next(nlh, &left)) {
		if (nlh->nlmsg_seq != seq)
			return -EPROTO;
		r = message_parse(nlh, family, ret_index);
	}
	return r;
}

/* Send, and read up to the acknowledgement. */
static int ask(struct nbd_netlink *nl, const struct nlmsghdr *request, uint32_t *ret_index)
{
	_Alignas(struct nlmsghdr) char reply[REPLY_BYTES];
	int r = NBD_NETLINK_MORE;

	if (mnl_socket_sendto(nl->socket, request, request->nlmsg_len) < 0)
		return -errno;
	while (r == NBD_NETLINK_MORE) {
		ssize_t n = mnl_socket_recvfrom(nl->socket, reply, sizeof(reply));

		if (n < 0)
			return -errno;
		r = nbd_netlink_reply_parse(reply, (size_t)n, request->nlmsg_type,
					    request->nlmsg_seq, ret_index);
	}
	return r == NBD_NETLINK_DONE ? 0 : r;
}

/* Ask the controller for the family's number, once: nbd.ko may be loaded after we started. */
static int find_family(struct nbd_netlink *nl)
{
	_Alignas(struct nlmsghdr) char buf[256];
	uint32_t id = FAMILY_UNKNOWN;
	struct nlmsghdr *nlh;
	int r;

	if (nl->family != FAMILY_UNKNOWN)
		return 0;
	nlh = begin(nl, buf, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 1);
	mnl_attr_put_strz(nlh, CTRL_ATTR_FAMILY_NAME, NBD_GENL_FAMILY_NAME);
	r = ask(nl, nlh, &id);
	if (r == -ENOENT)
		return -ENODEV;
	if (r == 0 && (id < GENL_MIN_ID || id > GENL_MAX_ID))
		return -EPROTO;
	if (r == 0)
		nl->family = (uint16_t)id;
	return r;
}

static void put_socket(struct nlmsghdr *nlh, int sock)
{
	struct nlattr *sockets = mnl_attr_nest_start(nlh, NBD_ATTR_SOCKETS);
	struct nlattr *item = mnl_attr_nest_start(nlh, NBD_SOCK_ITEM);

	mnl_attr_put_u32(nlh, NBD_SOCK_FD, (uint32_t)sock);
	mnl_attr_nest_end(nlh, item);
	mnl_attr_nest_end(nlh, sockets);
}

int nbd_netlink_connect(struct nbd_netlink *nl, int sock, const struct nbd_wire_export *export,
			const char *name, uint32_t *ret_index)
{
	_Alignas(struct nlmsghdr) char buf[512];
	uint32_t index = UINT32_MAX;
	struct nlmsghdr *nlh;
	int r = find_family(nl);

	if (r < 0)
		return r;
	nlh = begin(nl, buf, nl->family, NBD_CMD_CONNECT, NBD_GENL_VERSION);
	mnl_attr_put_u64(nlh, NBD_ATTR_SIZE_BYTES, export->size_bytes);
	mnl_attr_put_u64(nlh, NBD_ATTR_BLOCK_SIZE_BYTES, export->block_bytes);
	mnl_attr_put_u64(nlh, NBD_ATTR_SERVER_FLAGS, export->flags);
	mnl_attr_put_u64(nlh, NBD_ATTR_DEAD_CONN_TIMEOUT, DEAD_CONNECTION_TIMEOUT_S);
	if (!mnl_attr_put_strz_check(nlh, sizeof(buf), NBD_ATTR_BACKEND_IDENTIFIER, name))
		return -ENAMETOOLONG;
	put_socket(nlh, sock);
	r = ask(nl, nlh, &index);
	if (r == 0 && index == UINT32_MAX)
		return -EPROTO;
	if (r == 0)
		*ret_index = index;
	return r;
}

int nbd_netlink_reconnect(struct nbd_netlink *nl, uint32_t index, int sock, const char *name)
{
	_Alignas(struct nlmsghdr) char buf[512];
	struct nlmsghdr *nlh;
	int r = find_family(nl);

	if (r < 0)
		return r;
	nlh = begin(nl, buf, nl->family, NBD_CMD_RECONFIGURE, NBD_GENL_VERSION);
	mnl_attr_put_u32(nlh, NBD_ATTR_INDEX, index);
	if (!mnl_attr_put_strz_check(nlh, sizeof(buf), NBD_ATTR_BACKEND_IDENTIFIER, name))
		return -ENAMETOOLONG;
	put_socket(nlh, sock);
	return ask(nl, nlh, &index);
}

int nbd_netlink_disconnect(struct nbd_netlink *nl, uint32_t index)
{
	_Alignas(struct nlmsghdr) char buf[128];
	struct nlmsghdr *nlh;
	int r = find_family(nl);

	if (r < 0)
		return r;
	nlh = begin(nl, buf, nl->family, NBD_CMD_DISCONNECT, NBD_GENL_VERSION);
	mnl_attr_put_u32(nlh, NBD_ATTR_INDEX, index);
	return ask(nl, nlh, &index);
}
