#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/msg_ctl.h"
#include "roles/cli.h"
#include "roles/cli_connect.h"

enum { GONE_MS = 15000, GONE_STEP_MS = 20 };

static int ask(int argc, char **argv, uint32_t verb, const struct msg_config *config)
{
	const struct msg_ctl request = { .verb = verb, .id = 1 };
	struct msg_ctl_reply reply;
	int status;

	if (argc != 1)
		return cli_usage(argv[0]);
	status = cli_control_ask(config, &request, -1, argv[0], &reply);
	return status != 0 ? status : cli_control_result(&reply, argv[0]);
}

static int simple(int argc, char **argv, uint32_t verb)
{
	struct msg_config config;
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	if (status == 0)
		status = cli_config(opt.config_path, &config);
	return status != 0 ? status : ask(argc, argv, verb, &config);
}

int cli_net_suspend(int argc, char **argv)
{
	return simple(argc, argv, CTL_NET_SUSPEND);
}

int cli_net_resume(int argc, char **argv)
{
	return simple(argc, argv, CTL_NET_RESUME);
}

/* Until nobody answers any more: what is given back must not be taken in again. */
static int wait_until_gone(const struct msg_config *config)
{
	char path[MSG_PATH_BYTES + sizeof("/control.sock")];

	(void)snprintf(path, sizeof(path), "%s/control.sock", config->runtime);
	for (unsigned ms = 0; ms < GONE_MS; ms += GONE_STEP_MS) {
		int fd, r = cli_connect(path, &fd);

		if (r == -ECONNREFUSED || r == -ENOENT)
			return 0;
		if (r == 0)
			(void)close(fd);
		(void)usleep(GONE_STEP_MS * 1000);
	}
	return -ETIMEDOUT;
}

/* libexec is beside the folder that this program is in. */
static int run_down(void)
{
	char self[MSG_PATH_BYTES], script[MSG_PATH_BYTES + 64];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);
	char *slash;

	if (n <= 0)
		return -errno;
	self[n] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return -EINVAL;
	*slash = '\0';
	(void)snprintf(script, sizeof(script), "%s/../libexec/bulkhead/bulkhead-netns", self);
	(void)execl(script, script, "down", (char *)NULL);
	return -errno;
}

int cli_net_release(int argc, char **argv)
{
	struct msg_config config;
	struct cli_options opt;
	bool yes = false;
	int status = cli_common(&opt, &argc, argv);

	if (status == 0 && argc == 2 && strcmp(argv[1], "--yes") == 0) {
		yes = true;
		argc--;
	}
	if (status == 0 && argc != 1)
		status = cli_usage(argv[0]);
	if (status == 0)
		status = cli_config(opt.config_path, &config);
	if (status != 0)
		return status;
	fputs("net release: this ends bulkheadd and gives every uplink back to the host, down.\n"
	      "Until the next boot, or 'bulkhead-netns up' and a start of bulkheadd, nothing keeps "
	      "this\n"
	      "machine off the company's network; disks are locked. The audit log records it.\n",
	      stderr);
	if (!yes)
		return cli_error(CLI_USAGE, "net release: nothing was done; add --yes to do it");
	status = ask(argc, argv, CTL_NET_RELEASE, &config);
	if (status != 0)
		return status;
	if (wait_until_gone(&config) < 0)
		return cli_error(CLI_FAILED, "net release: bulkheadd does not end; see its log");
	return cli_errno(run_down(), "net release: run bulkhead-netns down");
}
