#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "roles/cli.h"

enum { ANSWER_MS = 60000 }; /* an unlock takes Argon2 and a slow TPM's seconds */

static int connect_control(const struct msg_config *config, const char *what, int *ret_fd)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	OWNS_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int n = snprintf(to.sun_path, sizeof(to.sun_path), "%s/control.sock", config->runtime);

	if (n < 0 || (size_t)n >= sizeof(to.sun_path))
		return cli_error(CLI_FAILED,
				 "%s: runtime folder '%s' is too long for a socket's name", what,
				 config->runtime);
	if (fd < 0)
		return cli_errno(-errno, "%s: socket", what);
	if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		return cli_error(CLI_FAILED, "%s: reach bulkheadd at '%s': %s; is it running?",
				 what, to.sun_path, strerror(errno));
	*ret_fd = take_fd(&fd);
	return 0;
}

static int wait_answer(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int n;

	do
		n = poll(&p, 1, ANSWER_MS);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n == 0 ? -ETIMEDOUT : 0;
}

static bool reply_ok(const struct msg_ctl_reply *reply)
{
	return reason_known(reply->reason) && reply->exit_status <= CLI_DAMAGED &&
	       msg_text_ok(reply->detail, sizeof(reply->detail)) &&
	       reply->n_uplinks <= MSG_UPLINKS && reply->n_ports <= MSG_PORTS &&
	       reply->n_disks <= MSG_DISKS && reply->placement < N_PLACEMENTS;
}

static int ask(const struct msg_config *config, const struct msg_ctl *request, const int *pass_fd,
	       unsigned n, const char *what, struct msg_ctl_reply *ret)
{
	OWNS_FD int fd = -1;
	int r = connect_control(config, what, &fd);

	if (r != 0)
		return r;
	for (unsigned i = 0; i < n && r == 0; i++)
		r = ipc_send(fd, &request[i], sizeof(request[i]), pass_fd[i]);
	/* it may have answered the first of two and hung up: the answer waits behind the error */
	if (r == 0 || r == -EPIPE)
		r = wait_answer(fd);
	if (r == 0)
		r = ipc_recv(fd, ret, sizeof(*ret), NULL);
	if (r == -EPIPE)
		r = ipc_recv(fd, ret, sizeof(*ret), NULL);
	if (r == -EPIPE)
		return cli_error(CLI_FAILED, "%s: bulkheadd ended the talk; see its log", what);
	if (r < 0)
		return cli_errno(r, "%s: talk to bulkheadd", what);
	if (!reply_ok(ret))
		return cli_error(CLI_FAILED, "%s: bulkheadd gave an impossible answer", what);
	return 0;
}

int cli_control_ask(const struct msg_config *config, const struct msg_ctl *request, int pass_fd,
		    const char *what, struct msg_ctl_reply *ret)
{
	return ask(config, request, &pass_fd, 1, what, ret);
}

int cli_control_ask2(const struct msg_config *config, const struct msg_ctl request[2],
		     const int pass_fd[2], const char *what, struct msg_ctl_reply *ret)
{
	return ask(config, request, pass_fd, 2, what, ret);
}

int cli_control_result(const struct msg_ctl_reply *reply, const char *what)
{
	enum reason reason = (enum reason)reply->reason;

	if (reason == REASON_OK)
		return CLI_DONE;
	if (reason == REASON_PIN_WRONG)
		return cli_error((int)reply->exit_status, "%s: %s; %u %s left", what,
				 reason_text(reason), (unsigned)reply->tries_left,
				 reply->tries_left == 1 ? "try is" : "tries are");
	return cli_error((int)reply->exit_status, "%s: %s%s%s", what, reason_text(reason),
			 reply->detail[0] ? ": " : "", reply->detail);
}
