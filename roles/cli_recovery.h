/* cli_recovery.h - the file that a recovery key is written to, and one that a killed run has left there. */
#ifndef ROLES_CLI_RECOVERY_H
#define ROLES_CLI_RECOVERY_H

#include <stdbool.h>

#include "base/secret.h"

/* A new file of mode 0600, flushed; it has its name when it is whole, or not at all. One that is there is
 * never replaced. 0, or an exit status after saying why. */
int cli_recovery_write(const char *path, const struct secret *recovery, const char *what);

/* There is a recovery key in path, and in the folder dir_fd (or AT_FDCWD) a header of that name that it opens.
 * So a run that was killed before that header was in force is known by what it has left: never by a name
 * alone. */
bool cli_recovery_opens(const char *path, int dir_fd, const char *header_name);

#endif
