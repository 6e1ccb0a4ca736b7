/* cli_pin.h - a PIN from a terminal without echo, or from a descriptor; never from argv. */
#ifndef ROLES_CLI_PIN_H
#define ROLES_CLI_PIN_H

#include "base/secret.h"

enum { CLI_PIN_MAX_BYTES = 128 };

/* The number of --pin-fd: 0 and *ret_fd, or -EINVAL. */
int cli_pin_fd(const char *text, int *ret_fd);

/* Read one line (without its newline) from fd, or ask on the terminal when fd is -1. what begins a
 * message. 0 and *ret_pin (owned by the caller), or an exit status after saying why. */
int cli_pin_read(int fd, const char *what, struct secret *ret_pin);

/* The same for another secret: noun "password", option "--password-fd". */
int cli_pin_ask(int fd, const char *noun, const char *option, const char *what, struct secret *ret);

#endif
