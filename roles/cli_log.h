/* cli_log.h - the audit log as files: a segment, or a folder of segments in their order. */
#ifndef ROLES_CLI_LOG_H
#define ROLES_CLI_LOG_H

#include <stddef.h>

/* Called for each whole line, without its newline. 0, or an exit status that ends the walk. */
typedef int cli_log_line_fn(void *ctx, const char *line, size_t len_bytes);

/* Read path ("audit/", all of NNNNNNNN.jsonl in it, or one file) line by line. *ret_torn_bytes:
 * what follows the last newline. 0, or an exit status after saying why. */
int cli_log_walk(const char *what, const char *path, cli_log_line_fn *line, void *ctx,
		 size_t *ret_torn_bytes);

#endif
