#include "roles/cli_log.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/defer.h"
#include "policy/audit_line.h"
#include "roles/cli.h"

enum {
	/* no line of ours is longer: what is, is handed on in parts, and none of them is ours */
	BUFFER_BYTES = 4 * AUDIT_LINE_BYTES,
	PATH_BYTES = 4096,
};

struct reader {
	cli_log_line_fn *line;
	void *ctx;
	size_t n; /* bytes in the buffer */
	char buffer[BUFFER_BYTES];
};

/* Hand on every whole line of the buffer. */
static int drain(struct reader *r)
{
	const char *at = r->buffer;
	size_t left = r->n;
	const char *nl;
	int status = 0;

	while (status == 0 && (nl = memchr(at, '\n', left)) != NULL) {
		status = r->line(r->ctx, at, (size_t)(nl - at));
		left -= (size_t)(nl - at) + 1;
		at = nl + 1;
	}
	if (status == 0 && left == sizeof(r->buffer)) {
		status = r->line(r->ctx, at, left);
		left = 0;
	}
	memmove(r->buffer, at, left);
	r->n = left;
	return status;
}

static int read_segment(const char *what, const char *path, struct reader *r)
{
	OWNS_FD int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return cli_errno(-errno, "%s '%s': open it", what, path);
	for (;;) {
		ssize_t got = read(fd, r->buffer + r->n, sizeof(r->buffer) - r->n);
		int status;

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return cli_errno(-errno, "%s '%s': read it", what, path);
		if (got == 0)
			return 0;
		r->n += (size_t)got;
		status = drain(r);
		if (status != 0)
			return status;
	}
}

static int is_segment(const struct dirent *e)
{
	size_t digits = strspn(e->d_name, "0123456789");

	return digits == 8 && strcmp(e->d_name + digits, ".jsonl") == 0;
}

static int read_folder(const char *what, const char *path, struct reader *r)
{
	struct dirent **entry;
	int n = scandir(path, &entry, is_segment, alphasort);
	int status = 0;

	if (n < 0)
		return cli_errno(-errno, "%s '%s': list it", what, path);
	if (n == 0)
		status = cli_error(
			CLI_FAILED,
			"%s '%s': no audit log in it; name the folder that holds 00000001.jsonl",
			what, path);
	for (int i = 0; i < n; i++) {
		char segment[PATH_BYTES];

		if (status == 0 && snprintf(segment, sizeof(segment), "%s/%s", path,
					    entry[i]->d_name) >= (int)sizeof(segment))
			status = cli_errno(-ENAMETOOLONG, "%s '%s'", what, path);
		if (status == 0)
			status = read_segment(what, segment, r);
		free(entry[i]);
	}
	free(entry);
	return status;
}

int cli_log_walk(const char *what, const char *path, cli_log_line_fn *line, void *ctx,
		 size_t *ret_torn_bytes)
{
	OWNS_HEAP struct reader *r = malloc(sizeof(*r));
	struct stat st;
	int status;

	if (!r)
		return cli_errno(-ENOMEM, "%s '%s'", what, path);
	r->line = line;
	r->ctx = ctx;
	r->n = 0;
	if (stat(path, &st) < 0)
		return cli_errno(-errno, "%s '%s': open it", what, path);
	status = S_ISDIR(st.st_mode) ? read_folder(what, path, r) : read_segment(what, path, r);
	if (status == 0)
		*ret_torn_bytes = r->n;
	return status;
}
