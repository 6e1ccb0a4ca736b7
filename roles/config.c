/* Role config: reads the machine configuration from descriptor 4, sandboxed, and hands the
 * supervisor (descriptor 3) one struct msg_config; or says what is wrong in one line and exits 2.
 * A child of a moment, so that bulkheadd itself parses nothing. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <seccomp.h>

#include "base/file.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "policy/config.h"

enum {
	OUT_FD = 3,
	FILE_FD = 4,
	NOBODY = 65534, /* Debian base-passwd; uid_base is not known yet */
	N_FDS = 5,
	EXIT_USAGE = 2,
};

static const int syscalls[] = { SANDBOX_COMMON, -1 };

static const struct sandbox profile = {
	.uid = NOBODY,
	.syscalls = syscalls,
	.n_fds_max = N_FDS,
};

int main(int argc, char **argv)
{
	static char text[DOCUMENT_BYTES_MAX + 1];
	const char *name = argc > 1 ? argv[1] : "bulkheadd.yaml";
	struct document_error error;
	struct msg_config config;
	size_t len_bytes;
	int r;

	log_open("config");
	sandbox_enter(&profile);
	r = file_drain(FILE_FD, text, sizeof(text),
		       &len_bytes); /* a byte more tells of too long a one */
	if (r < 0)
		die("read configuration '%s': %s", name, strerror(-r));
	r = config_parse(text, len_bytes, &config, &error);
	if (r == -EBADMSG) {
		log_err(0, "read configuration '%s': line %u, column %u: %s; see bulkheadd(8)",
			name, error.line, error.column, error.text);
		return EXIT_USAGE;
	}
	if (r < 0)
		die("read configuration '%s': %s", name, strerror(-r));
	r = ipc_send(OUT_FD, &config, sizeof(config), -1);
	if (r < 0)
		die("hand over the configuration: %s", strerror(-r));
	return EXIT_SUCCESS;
}
