#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "roles/cli_pin.h"

/* A name for the message of an error: "disk unlock 'g1'". */
static void name_what(char *out, size_t out_bytes, const char *verb, const char *name)
{
	(void)snprintf(out, out_bytes, "%s '%s'", verb, name);
}

/* Ask the daemon to do verb to the disk name. */
static int ask(const char *config_path, uint32_t verb, const char *name, int pass_fd,
	       const char *what, struct msg_ctl_reply *ret)
{
	struct msg_ctl request = { .verb = verb, .id = 1 };
	struct msg_config config;
	int status;

	if (strlen(name) >= sizeof(request.name))
		return cli_error(CLI_USAGE, "%s: a disk's name has at most %zu characters", what,
				 sizeof(request.name) - 1);
	memcpy(request.name, name, strlen(name) + 1);
	status = cli_config(config_path, &config);
	if (status == 0)
		status = cli_control_ask(&config, &request, pass_fd, what, ret);
	return status != 0 ? status : cli_control_result(ret, what);
}

/* argv: the command, and one name. */
static int simple(int argc, char **argv, uint32_t verb, struct msg_ctl_reply *ret)
{
	struct cli_options opt;
	char what[128];
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	name_what(what, sizeof(what), argv[0], argv[1]);
	return ask(opt.config_path, verb, argv[1], -1, what, ret);
}

int cli_disk_lock(int argc, char **argv)
{
	struct msg_ctl_reply reply;

	return simple(argc, argv, CTL_LOCK, &reply);
}

int cli_attach(int argc, char **argv)
{
	struct msg_ctl_reply reply;
	int status = simple(argc, argv, CTL_ATTACH, &reply);

	if (status == CLI_DONE)
		printf("/dev/nbd%u\n", (unsigned)reply.nbd_index);
	return status;
}

int cli_detach(int argc, char **argv)
{
	struct msg_ctl_reply reply;

	return simple(argc, argv, CTL_DETACH, &reply);
}

/* A pipe that holds the PIN, its write end closed: the daemon passes it on and never reads it. */
static int pin_pipe(int from_fd, const char *what, int *ret_fd)
{
	OWNS_SECRET struct secret pin = { 0 };
	int tube[2];
	int status = cli_pin_read(from_fd, what, &pin);

	if (status != 0)
		return status;
	if (pipe2(tube, O_CLOEXEC) < 0)
		return cli_errno(-errno, "%s: pipe", what);
	if (write(tube[1], pin.bytes, pin.len_bytes) != (ssize_t)pin.len_bytes) { /* < PIPE_BUF */
		(void)close(tube[0]);
		(void)close(tube[1]);
		return cli_errno(-EIO, "%s: pipe", what);
	}
	(void)close(tube[1]);
	*ret_fd = tube[0];
	return 0;
}

int cli_disk_unlock(int argc, char **argv)
{
	static const struct option known[] = { { "pin-fd", required_argument, NULL, 'p' }, { 0 } };
	struct msg_ctl_reply reply;
	struct cli_options opt;
	OWNS_FD int pin = -1;
	int from_fd = -1, c;
	char what[128];
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	while ((c = getopt_long(argc, argv, "", known, NULL)) != -1)
		if (c != 'p' || cli_pin_fd(optarg, &from_fd) != 0)
			return cli_usage(argv[0]);
	if (optind + 1 != argc)
		return cli_usage(argv[0]);
	name_what(what, sizeof(what), argv[0], argv[optind]);
	status = pin_pipe(from_fd, what, &pin);
	if (status == 0)
		status = ask(opt.config_path, CTL_UNLOCK, argv[optind], pin, what, &reply);
	if (status == CLI_DONE)
		printf("%s\n", reply.detail);
	return status;
}
