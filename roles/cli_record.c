#include "roles/cli_record.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

int cli_record_open(const struct cli_options *options, const char *verb, struct cli_record *ret)
{
	*ret = (struct cli_record){ .verb = verb };
	if (access(options->config_path, F_OK) < 0 && errno == ENOENT)
		return 0;
	ret->there = true;
	return cli_config(options->config_path, &ret->config);
}

/* Of /a/b/work/leaf.vhd: work. */
static void name_of(const char *path, char ret[MSG_NAME_BYTES])
{
	char real[PATH_MAX], *slash;

	if (!realpath(path, real))
		(void)snprintf(real, sizeof(real), "%s", path);
	slash = strrchr(real, '/');
	if (slash)
		*slash = '\0';
	slash = strrchr(real, '/');
	slash = slash && slash[1] ? slash + 1 : real;
	(void)log_quote(slash, strlen(slash), ret, MSG_NAME_BYTES);
}

static int send(const struct cli_record *r, enum audit_phase phase, enum reason result,
		const char *detail)
{
	struct msg_ctl request = {
		.verb = CTL_DISK_WORK, .id = 1, .work = r->work, .phase = phase, .result = result
	};
	struct msg_ctl_reply reply;
	char what[2 * MSG_NAME_BYTES];
	int status;

	memcpy(request.name, r->disk, sizeof(request.name));
	(void)log_quote(detail, strlen(detail), request.detail, sizeof(request.detail));
	(void)snprintf(what, sizeof(what), "%s '%s': record it", r->verb, r->disk);
	status = cli_control_ask(&r->config, &request, -1, what, &reply);
	return status ? status : cli_control_result(&reply, what);
}

int cli_record_begin(struct cli_record *record, enum ctl_work work, const char *path,
		     const char *detail)
{
	int status = 0;

	record->work = work;
	name_of(path, record->disk);
	if (record->there)
		status = send(record, AUDIT_INTENT, REASON_OK, detail);
	if (status != 0)
		record->work = 0;
	return status;
}

int cli_record_end(struct cli_record *record, int status, const char *detail)
{
	enum reason result = status == CLI_DONE	     ? REASON_OK
			     : status == CLI_DAMAGED ? REASON_IMAGE
						     : REASON_WORK_FAILED;
	int said;

	if (!record->there || record->work == 0)
		return status;
	said = send(record, AUDIT_OUTCOME, result, detail);
	record->work = 0;
	return status == CLI_DONE && said != 0 ? CLI_FAILED : status;
}
