#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "roles/cli.h"
#include "roles/cli_connect.h"

enum { ANSWER_MS = 60000 }; /* an unlock takes Argon2 and a slow TPM's seconds */

static int connect_control(const struct msg_config *config, const char *what, int *ret_fd)
{
	char path[MSG_PATH_BYTES];
	int n = snprintf(path, sizeof(path), "%s/control.sock", config->runtime);
	int r = n < 0 || (size_t)n >= sizeof(path) ? -ENAMETOOLONG : cli_connect(path, ret_fd);

	if (r == -ENAMETOOLONG)
		return cli_error(CLI_FAILED,
				 "%s: runtime folder '%s' is too long for a socket's name", what,
				 config->runtime);
	if (r < 0)
		return cli_error(CLI_FAILED, "%s: reach bulkheadd at '%s': %s; is it running?",
				 what, path, strerror(-r));
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

/* Asked twice they do what they do once; a successor of who was asked first knows what was done. */
static bool may_be_asked_again(const struct msg_ctl *request)
{
	return request->verb == CTL_LOCK || request->verb == CTL_ATTACH ||
	       request->verb == CTL_DETACH;
}

/* 0 or negative errno; or, where nobody could be reached and that was said, an exit status. */
static int ask_once(const struct msg_config *config, const struct msg_ctl *request,
		    const int *pass_fd, unsigned n, const char *what, struct msg_ctl_reply *ret)
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
	return r == 0 ? ipc_recv(fd, ret, sizeof(*ret), NULL) : r;
}

static int ask(const struct msg_config *config, const struct msg_ctl *request, const int *pass_fd,
	       unsigned n, const char *what, struct msg_ctl_reply *ret)
{
	int r = ask_once(config, request, pass_fd, n, what, ret);

	if (r == -EPIPE && may_be_asked_again(request))
		r = ask_once(config, request, pass_fd, n, what, ret);
	if (r == -EPIPE)
		return cli_error(CLI_FAILED, "%s: bulkheadd ended the talk; see its log", what);
	if (r < 0)
		return cli_errno(r, "%s: talk to bulkheadd", what);
	if (r > 0)
		return r;
	if (!cli_connect_reply_ok(ret))
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

int cli_control_status(const char *config_path, const char *what, struct msg_ctl_reply *ret)
{
	struct msg_ctl request = { .verb = CTL_STATUS, .id = 1 };
	struct msg_config config;
	int status = cli_config(config_path, &config);

	if (status == 0)
		status = cli_control_ask(&config, &request, -1, what, ret);
	return status != 0 ? status : cli_control_result(ret, what);
}

int cli_control_monitor(const char *config_path, const char *what, int *ret_fd)
{
	struct msg_ctl request = { .verb = CTL_MONITOR, .id = 1 };
	struct msg_config config;
	int status = cli_config(config_path, &config);
	OWNS_FD int fd = -1;
	int r;

	if (status == 0)
		status = connect_control(&config, what, &fd);
	if (status != 0)
		return status;
	r = ipc_send(fd, &request, sizeof(request), -1);
	if (r < 0)
		return cli_errno(r, "%s: talk to bulkheadd", what);
	*ret_fd = take_fd(&fd);
	return 0;
}
