#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/audit.h"
#include "roles/cli.h"

int cli_policy_install(int argc, char **argv)
{
	const struct msg_ctl request[2] = { { .verb = CTL_POLICY_INSTALL, .id = 1 },
					    { .verb = CTL_POLICY_SIGNATURE, .id = 1 } };
	OWNS_FD int policy = -1;
	OWNS_FD int signature = -1;
	struct msg_ctl_reply reply;
	struct msg_config config;
	struct cli_options opt;
	char what[320], path[MSG_PATH_BYTES];
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 2)
		return cli_usage(argv[0]);
	(void)snprintf(what, sizeof(what), "%s '%s'", argv[0], argv[1]);
	if (snprintf(path, sizeof(path), "%s.minisig", argv[1]) >= (int)sizeof(path))
		return cli_error(CLI_USAGE, "%s: the path is too long", what);
	policy = open(argv[1], O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (policy < 0)
		return cli_errno(-errno, "%s: open it", what);
	signature = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (signature < 0)
		return cli_error(
			CLI_REFUSED,
			"%s: open its signature '%s': %s; sign it with 'bulkhead policy sign'",
			what, path, strerror(errno));
	status = cli_config(opt.config_path, &config);
	if (status == 0)
		status = cli_control_ask2(&config, request, (const int[]){ policy, signature },
					  what, &reply);
	if (status == 0)
		status = cli_control_result(&reply, what);
	if (status == CLI_DONE)
		printf("policy %llu is in force\n", (unsigned long long)reply.policy_serial);
	return status;
}

/* A request without arguments about the audit log's anchor. */
static int anchor(int argc, char **argv, uint32_t verb, struct msg_ctl_reply *ret)
{
	struct msg_ctl request = { .verb = verb, .id = 1 };
	struct msg_config config;
	struct cli_options opt;
	int status = cli_common(&opt, &argc, argv);

	if (status != 0)
		return status;
	if (argc != 1)
		return cli_usage(argv[0]);
	status = cli_config(opt.config_path, &config);
	if (status == 0)
		status = cli_control_ask(&config, &request, -1, argv[0], ret);
	return status != 0 ? status : cli_control_result(ret, argv[0]);
}

/* The same lines that `audit verify --anchor` reads. */
int cli_audit_anchor(int argc, char **argv)
{
	struct msg_ctl_reply reply;
	struct audit_anchor held = { 0 };
	char text[AUDIT_ANCHOR_BYTES];
	int status = anchor(argc, argv, CTL_ANCHOR, &reply);

	if (status != CLI_DONE)
		return status;
	held.counter = reply.counter;
	memcpy(held.extended, reply.extended, sizeof(held.extended));
	audit_anchor_build(&held, text);
	return puts(text) < 0 ? CLI_FAILED : CLI_DONE;
}

int cli_audit_checkpoint(int argc, char **argv)
{
	struct msg_ctl_reply reply;
	int status = anchor(argc, argv, CTL_CHECKPOINT, &reply);

	if (status == CLI_DONE)
		printf("checkpoint %llu\n", (unsigned long long)reply.counter);
	return status;
}
