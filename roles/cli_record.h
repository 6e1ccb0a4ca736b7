/* cli_record.h - what the command does with a disk by a recovery key is in this machine's audit log.
 *
 * Where there is a machine configuration, the work does not begin before bulkheadd has its intent on
 * disk: no daemon, or a silent log, means that it does not begin. A machine without configuration is no
 * laptop of ours (IT's desk, a rescue system): there is no log, and nobody claims that there is. */
#ifndef ROLES_CLI_RECORD_H
#define ROLES_CLI_RECORD_H

#include <stdbool.h>

#include "base/msg_ctl.h"
#include "roles/cli.h"

struct cli_record {
	const char *verb;
	bool there; /* this machine has a log */
	struct msg_config config;
	char disk[MSG_NAME_BYTES];
	enum ctl_work work; /* 0: nothing was begun */
};

/* Look for the configuration. Exit status, after saying why. */
int cli_record_open(const struct cli_options *options, const char *verb, struct cli_record *ret);

/* Work on the disk at path (its folder's name is the disk's) is about to begin; detail: what, to where. */
int cli_record_begin(struct cli_record *record, enum ctl_work work, const char *path,
		     const char *detail);

/* And has come to its end: status is the command's exit status, detail what is known of it. Returns status,
 * or CLI_FAILED when it was done and that could not be recorded. Nothing when nothing was begun. */
int cli_record_end(struct cli_record *record, int status, const char *detail);

#endif
