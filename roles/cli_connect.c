#include "roles/cli_connect.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/reason.h"

int cli_connect(const char *path, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	OWNS_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (strlen(path) >= sizeof(to.sun_path))
		return -ENAMETOOLONG;
	memcpy(to.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return -errno;
	*ret_fd = take_fd(&fd);
	return 0;
}

static bool ports_ok(const struct msg_ctl_reply *reply)
{
	for (uint32_t i = 0; i < MSG_PORTS; i++)
		if (reply->port[i].blocked.what >= N_BLOCKED_WHATS ||
		    reply->port[i].blocked_boot_ms > reply->now_boot_ms)
			return false;
	return true;
}

bool cli_connect_reply_ok(const struct msg_ctl_reply *reply)
{
	return reason_known(reply->reason) && reply->exit_status <= 4 /* design 10 */ &&
	       msg_text_ok(reply->detail, sizeof(reply->detail)) &&
	       msg_text_ok(reply->alarm, sizeof(reply->alarm)) && reply->n_uplinks <= MSG_UPLINKS &&
	       reply->n_ports <= MSG_PORTS && reply->n_disks <= MSG_DISKS &&
	       reply->placement < N_PLACEMENTS && ports_ok(reply);
}
