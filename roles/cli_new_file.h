/* cli_new_file.h - a file that gets its name when it is whole and proven, and not before.
 *
 * Until then it has no name at all (O_TMPFILE), so that whatever ends the command leaves nothing
 * behind; on file systems that cannot (vfat, NFS) it is NAME.partial, which the next try overwrites.
 * What is there already is never overwritten. */
#ifndef ROLES_CLI_NEW_FILE_H
#define ROLES_CLI_NEW_FILE_H

#include <stdbool.h>

enum { CLI_NEW_FILE_PATH_BYTES = 4096 };

struct cli_new_file {
	int fd; /* -1: not open */
	char path[CLI_NEW_FILE_PATH_BYTES];
	char partial[CLI_NEW_FILE_PATH_BYTES]; /* "": it has no name */
};

/* Empty, for reading and writing, mode 0600. -EEXIST: path is there, or another command makes it
 * (-EWOULDBLOCK); -ENAMETOOLONG; other errors are the kernel's. */
int cli_new_file_begin(const char *path, struct cli_new_file *ret);

/* The same as NAME.partial in any case. */
int cli_new_file_begin_named(const char *path, struct cli_new_file *ret);

/* done: give it its name, on stable storage. Else nothing is left of it. -EEXIST: somebody else took the
 * name. Closes; accepts what cli_new_file_begin() left after a failure. */
int cli_new_file_end(struct cli_new_file *file, bool done);

/* That there is a file at path (or none any more) is on stable storage; what is in it is not asked. */
int cli_new_file_sync_name(const char *path);

#endif
