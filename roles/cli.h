/* cli.h - what the areas of the command `bulkhead` share.
 *
 * The command is a table (roles/cli.c) of names such as "disk create" and of the functions below,
 * one file per area: roles/cli_<area>.c. Each gets argv[0] = its full name from the table ("disk
 * create") and argv[1..] = what follows it, and returns the exit status of the process.
 *
 *	int cli_disk_create(int argc, char **argv)
 *	{
 *		struct cli_options opt;
 *		int status = cli_common(&opt, &argc, argv);
 *
 *		if (status)
 *			return status;
 *		if (argc != 2)
 *			return cli_usage(argv[0]);
 *		...
 *		return cli_error(CLI_DAMAGED, "disk create '%s': bad footer; export it again", name);
 *	}
 *
 * Results go to standard output, errors to standard error. */
#ifndef ROLES_CLI_H
#define ROLES_CLI_H

#include <stdbool.h>

#include "base/msg_ctl.h"
#include "base/reason.h"

/* Design 10. */
enum cli_exit {
	CLI_DONE = 0,
	CLI_FAILED = 1,
	CLI_USAGE = 2,
	CLI_REFUSED = 3, /* by policy, lease or key */
	CLI_DAMAGED = 4, /* damaged or hostile input */
};

struct cli_options {
	const char *config_path; /* --config F, else /etc/bulkhead/bulkheadd.yaml */
	bool json;		 /* --json */
};

/* Take --config F, --config=F and --json out of argv[1..*argc-1], wherever they stand before a
 * "--" (which stays in place, for getopt); *argc becomes what is left. 0, or CLI_USAGE after
 * saying why. ret borrows from argv. */
int cli_common(struct cli_options *ret, int *argc, char **argv);

/* One line "bulkhead: <text>" on standard error. Text: verb, quoted object, cause; what to do.
 * Returns status, so that `return cli_error(...)` reads well. */
int cli_error(int status, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The same with CLI_FAILED and ": <text of err>" behind; err: negative errno. */
int cli_errno(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The usage line of the command with this full name, on standard error. Returns CLI_USAGE. */
int cli_usage(const char *name);

/* Read and check the machine configuration. 0, or an exit status after saying why. */
int cli_config(const char *path, struct msg_config *ret);

/* Ask the running daemon over its control socket and wait for the answer: one request, with a
 * lent descriptor or -1. 0 when an answer came, whatever it says; or an exit status after saying
 * why there is none. `what` begins the message: "disk unlock 'g1'". */
int cli_control_ask(const struct msg_config *config, const struct msg_ctl *request, int pass_fd,
		    const char *what, struct msg_ctl_reply *ret);

/* The same for a request of two messages, each with its descriptor (policy install). */
int cli_control_ask2(const struct msg_config *config, const struct msg_ctl request[2],
		     const int pass_fd[2], const char *what, struct msg_ctl_reply *ret);

/* Ask the daemon for its status. 0, or an exit status after saying why there is none. */
int cli_control_status(const char *config_path, const char *what, struct msg_ctl_reply *ret);

/* Ask it for its status now and after every change: answers come over *ret_fd, which the caller
 * owns. 0, or an exit status after saying why there are none. */
int cli_control_monitor(const char *config_path, const char *what, int *ret_fd);

/* Exit status of an answer; says on standard error why it is a refusal, if it is one. */
int cli_control_result(const struct msg_ctl_reply *reply, const char *what);

/* Commands, by area. Those of roles/cli_status.c, cli_monitor.c, cli_net.c, cli_unlock.c, cli_install.c: */
int cli_status(int argc, char **argv);
int cli_monitor(int argc, char **argv);
int cli_net_enroll_home(int argc, char **argv);
int cli_net_homes(int argc, char **argv);
int cli_net_forget_home(int argc, char **argv);
int cli_net_allow(int argc, char **argv);
int cli_net_explain(int argc, char **argv);
int cli_net_portal(int argc, char **argv);
int cli_net_suspend(int argc, char **argv);
int cli_net_resume(int argc, char **argv);
int cli_net_release(int argc, char **argv);
/* roles/cli_wifi.c */
int cli_wifi_status(int argc, char **argv);
int cli_wifi_list(int argc, char **argv);
int cli_wifi_connect(int argc, char **argv);
int cli_wifi_forget(int argc, char **argv);
int cli_disk_unlock(int argc, char **argv);
int cli_disk_lock(int argc, char **argv);
int cli_attach(int argc, char **argv);
int cli_detach(int argc, char **argv);
int cli_policy_install(int argc, char **argv);
int cli_audit_anchor(int argc, char **argv);
int cli_audit_checkpoint(int argc, char **argv);

/* roles/cli_policy.c, cli_audit.c, cli_report.c (policy) */
int cli_policy_sign(int argc, char **argv);
int cli_policy_verify(int argc, char **argv);
int cli_policy_show(int argc, char **argv);

/* roles/cli_policy_desk.c */
int cli_policy_lint(int argc, char **argv);
int cli_policy_diff(int argc, char **argv);
int cli_policy_simulate(int argc, char **argv);
int cli_policy_explain(int argc, char **argv);
int cli_audit_verify(int argc, char **argv);
int cli_report(int argc, char **argv);

/* roles/cli_disk.c, cli_device.c, cli_vhd_*.c (keys, vhd) */
int cli_disk_create(int argc, char **argv);
int cli_disk_info(int argc, char **argv);
int cli_disk_export(int argc, char **argv);
int cli_disk_rekey(int argc, char **argv);
int cli_disk_decrypt(int argc, char **argv);
int cli_disk_vouch(int argc, char **argv);
int cli_disk_resume(int argc, char **argv);
int cli_disk_snapshot(int argc, char **argv);
int cli_disk_merge(int argc, char **argv);
int cli_image_make(int argc, char **argv);
int cli_device_enrol(int argc, char **argv);
int cli_vhd_info(int argc, char **argv);
int cli_vhd_check(int argc, char **argv);
int cli_vhd_snapshot(int argc, char **argv);
int cli_vhd_coalesce(int argc, char **argv);
int cli_vhd_create(int argc, char **argv);
int cli_vhd_map(int argc, char **argv);
int cli_vhd_repair(int argc, char **argv);
int cli_vhd_resize(int argc, char **argv);

#endif
