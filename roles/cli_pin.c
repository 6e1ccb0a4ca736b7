#include "roles/cli_pin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"

int cli_pin_fd(const char *text, int *ret_fd)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || n < 0 || n > 1023)
		return -EINVAL;
	*ret_fd = (int)n;
	return 0;
}

/* Up to a newline or the end; the number of bytes, or negative errno. */
static int read_line(int fd, uint8_t *out, size_t out_bytes)
{
	size_t n = 0;

	while (n < out_bytes) {
		ssize_t got = read(fd, out + n, 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		if (got == 0 || out[n] == '\n')
			return (int)n;
		n++;
	}
	return -EMSGSIZE;
}

static int ask_terminal(const char *prompt, uint8_t *out, size_t out_bytes)
{
	OWNS_FD int tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
	struct termios before, quiet;
	int n;

	if (tty < 0 || tcgetattr(tty, &before) < 0)
		return -errno;
	quiet = before;
	quiet.c_lflag &= ~(tcflag_t)ECHO;
	if (tcsetattr(tty, TCSAFLUSH, &quiet) < 0)
		return -errno;
	(void)!write(tty, prompt, strlen(prompt)); /* without a prompt it still works */
	n = read_line(tty, out, out_bytes);
	(void)tcsetattr(tty, TCSAFLUSH, &before);
	(void)!write(tty, "\n", 1);
	return n;
}

int cli_pin_ask(int fd, const char *noun, const char *option, const char *what, struct secret *ret)
{
	OWNS_SECRET struct secret line = { 0 };
	char prompt[32];
	int n = secret_new(&line, CLI_PIN_MAX_BYTES + 1);

	(void)snprintf(prompt, sizeof(prompt), "%s: ", noun);
	if (n < 0)
		return cli_error(CLI_FAILED, "%s: lock memory for the %s: raise RLIMIT_MEMLOCK",
				 what, noun);
	n = fd >= 0 ? read_line(fd, line.bytes, line.len_bytes)
		    : ask_terminal(prompt, line.bytes, line.len_bytes);
	if (n == -EMSGSIZE)
		return cli_error(CLI_USAGE, "%s: a %s has at most %d bytes", what, noun,
				 CLI_PIN_MAX_BYTES);
	if (n < 0 && fd < 0)
		return cli_error(CLI_FAILED, "%s: there is no terminal to ask for the %s; use %s N",
				 what, noun, option);
	if (n < 0)
		return cli_errno(n, "%s: read the %s from descriptor %d", what, noun, fd);
	if (n == 0)
		return cli_error(CLI_USAGE, "%s: the %s is empty", what, noun);
	line.len_bytes = (size_t)n;
	*ret = line;
	line = (struct secret){ 0 };
	return 0;
}

int cli_pin_read(int fd, const char *what, struct secret *ret_pin)
{
	return cli_pin_ask(fd, "PIN", "--pin-fd", what, ret_pin);
}
