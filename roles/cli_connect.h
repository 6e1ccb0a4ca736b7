/* cli_connect.h - a talk with bulkheadd over its control socket, for whoever asks it. */
#ifndef ROLES_CLI_CONNECT_H
#define ROLES_CLI_CONNECT_H

#include <stdbool.h>

#include "base/msg_ctl.h"

/* *ret_fd is owned by the caller. Negative errno: -ENAMETOOLONG, or what connect(2) said. */
int cli_connect(const char *path, int *ret_fd);

/* Nothing in it can lead a reader astray: counts, enums and texts are what they must be. */
bool cli_connect_reply_ok(const struct msg_ctl_reply *reply);

#endif
