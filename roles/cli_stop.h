/* cli_stop.h - Ctrl-C and its like end a long command where it is safe, not anywhere.
 *
 * SIGINT, SIGTERM and SIGHUP wait from cli_stop_begin() on, and whoever works asks for them between
 * two pieces. The command then says how it is gone on with, and exits with CLI_FAILED. */
#ifndef ROLES_CLI_STOP_H
#define ROLES_CLI_STOP_H

#include <stdbool.h>

void cli_stop_begin(void);
bool cli_stop_asked(void);

#endif
