#include "netguard/nflog_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_log.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/defer.h"
#include "netguard/nlrecv.h"

enum {
	/* the kernel doubles it, and sends once a second: some seconds of one kind, one of all */
	SOCKET_BYTES = 4096,
	COPY_BYTES = 96, /* what the rules' snaplen says */
	ANSWER_BYTES = 256,
};

/* Each attribute is its head and four or eight bytes: nothing needs padding but the last bytes here. */
struct request {
	struct nlmsghdr head;
	struct nfgenmsg family;
	struct nlattr command_head;
	struct nfulnl_msg_config_cmd command;
	uint8_t command_pad[3];
	struct nlattr mode_head;
	struct nfulnl_msg_config_mode mode;
	uint8_t mode_pad[2];
	struct nlattr flags_head;
	uint16_t flags;
	uint8_t flags_pad[2];
} __attribute__((packed));

static int send_request(int fd, uint16_t group)
{
	struct request r = {
		.head = { .nlmsg_len = sizeof(r),
			  .nlmsg_type = NFNL_SUBSYS_ULOG << 8 | NFULNL_MSG_CONFIG,
			  .nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK },
		.family = { .nfgen_family = AF_UNSPEC,
			    .version = NFNETLINK_V0,
			    .res_id = htons(group) },
		.command_head = { sizeof(struct nlattr) + sizeof(r.command), NFULA_CFG_CMD },
		.command = { .command = NFULNL_CFG_CMD_BIND },
		.mode_head = { sizeof(struct nlattr) + sizeof(r.mode), NFULA_CFG_MODE },
		.mode = { .copy_range = htonl(COPY_BYTES), .copy_mode = NFULNL_COPY_PACKET },
		.flags_head = { sizeof(struct nlattr) + sizeof(r.flags), NFULA_CFG_FLAGS },
		.flags = htons(NFULNL_CFG_F_SEQ),
	};
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };

	return sendto(fd, &r, sizeof(r), 0, (const struct sockaddr *)&kernel, sizeof(kernel)) < 0
		       ? -errno
		       : 0;
}

/* The kernel answers before sendto() returns. */
static int take_answer(int fd)
{
	char buf[ANSWER_BYTES];
	struct nlmsghdr head;
	int error;
	int n = nlrecv(fd, buf, sizeof(buf));

	if (n < 0)
		return n;
	if ((size_t)n < sizeof(head) + sizeof(error))
		return -EPROTO;
	memcpy(&head, buf, sizeof(head));
	memcpy(&error, buf + sizeof(head), sizeof(error));
	return head.nlmsg_type == NLMSG_ERROR ? error : -EPROTO;
}

int nflog_socket_open(uint16_t group)
{
	static const int bytes = SOCKET_BYTES;
	OWNS_FD int fd =
		socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER);
	int r;

	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)) < 0)
		return -errno;
	r = send_request(fd, group);
	if (r == 0)
		r = take_answer(fd);
	return r < 0 ? r : take_fd(&fd);
}
