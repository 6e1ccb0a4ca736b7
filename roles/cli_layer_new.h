/* cli_layer_new.h - a new layer beside others: its files, and its key when it is encrypted.
 *
 * Without a TPM a header can be opened by its recovery key only: keyslot 0 is closed by a key that
 * nobody has, and the token names no TPM object, so `key` refuses it. A lease and a header for a
 * laptop's TPM come from a check-out. */
#ifndef ROLES_CLI_LAYER_NEW_H
#define ROLES_CLI_LAYER_NEW_H

#include "roles/cli_layer.h"

struct cli_layer_new {
	const char *verb;
	const struct cli_layer_folder *folder; /* lent */
	char path[CLI_LAYER_PATH_BYTES];       /* for messages */
	char name[CLI_LAYER_NAME_BYTES];       /* NAME; made as NAME.partial */
	char partial[CLI_LAYER_NAME_BYTES];
	char luks[CLI_LAYER_NAME_BYTES]; /* "": plain; made as its .partial, too */
	char luks_partial[CLI_LAYER_NAME_BYTES];
	const char *recovery_out; /* lent; NULL: not made */
	int fd;				 /* of NAME.partial, empty at first; -1 */
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	uint32_t timestamp_s;
	struct sector *cipher; /* NULL: plain */
};

/* Make path, which must be in this folder and new: an empty file, and with recovery_out (else NULL)
 * a key, its header and the file with its recovery key. What a run of the same names left that was killed
 * before its layer had a name is taken away first; it is known by a recovery key that opens its header. */
int cli_layer_new_begin(const struct cli_layer_folder *folder, const char *path,
			const char *recovery_out, const char *verb, struct cli_layer_new *ret);

/* done: what was written is whole and flushed, give it its name. Else take everything away again.
 * Frees; accepts what cli_layer_new_begin() left after a failure. */
int cli_layer_new_end(struct cli_layer_new *new, bool done);

/* Names that were made or removed in the folder are on stable storage when it returns 0. */
int cli_layer_folder_sync(const struct cli_layer_folder *folder);

#endif
