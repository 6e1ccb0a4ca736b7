/* cli_progress.h - how far a long command is: a bar on a terminal, or lines of JSON.
 *
 * The bar goes to standard error, if that is a terminal; with --json a line per second goes to
 * standard output: {"phase":"convert","done":N,"total":N,"rate":N,"left_s":N}, in bytes and bytes
 * per second; left_s is missing while nobody can know. */
#ifndef ROLES_CLI_PROGRESS_H
#define ROLES_CLI_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

enum { CLI_PROGRESS_LINE_BYTES = 128 };

struct cli_progress {
	bool json;
	bool bar; /* standard error is a terminal */
	bool drawn;
	const char *phase; /* now; NULL: none yet */
	uint64_t begun_ms; /* this phase */
	uint64_t begun_bytes;
	uint64_t shown_ms;
};

void cli_progress_init(struct cli_progress *progress, bool json);

/* Show it if it is time to. phase: one word, a literal; another one begins anew. */
void cli_progress_show(struct cli_progress *progress, const char *phase, uint64_t done_bytes,
		       uint64_t total_bytes);

/* End the bar's line, so that something else can be said. */
void cli_progress_end(struct cli_progress *progress);

#endif
