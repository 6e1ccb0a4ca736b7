#include "base/log.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LINE_BYTES = 1024 };

static const char *log_role = "bulkhead"; /* the one thing a process is, set before all else */

void log_open(const char *role)
{
	log_role = role;
}

/* One write(2) per line, so that lines of several roles do not mix. */
__attribute__((format(printf, 3, 0))) static void put(int prio, int err, const char *fmt,
						      va_list ap)
{
	char line[LINE_BYTES];
	int n = snprintf(line, sizeof(line), "<%d>%s: ", prio, log_role);
	size_t used = n < 0 ? 0 : (size_t)n;

	n = vsnprintf(line + used, sizeof(line) - used, fmt, ap);
	used += n < 0 ? 0 : (size_t)n;
	if (err < 0 && used < sizeof(line)) {
		n = snprintf(line + used, sizeof(line) - used, ": %s", strerror(-err));
		used += n < 0 ? 0 : (size_t)n;
	}
	if (used > sizeof(line) - 1)
		used = sizeof(line) - 1;
	line[used++] = '\n';
	(void)!write(STDERR_FILENO, line, used); /* nobody left to tell */
}

void log_err(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(3, err, fmt, ap);
	va_end(ap);
}

void log_warn(int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(4, err, fmt, ap);
	va_end(ap);
}

void log_info(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(6, 0, fmt, ap);
	va_end(ap);
}

void die(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	put(3, 0, fmt, ap);
	va_end(ap);
	_exit(EXIT_FAILURE);
}

const char *log_quote(const void *data, size_t len_bytes, char *out, size_t out_bytes)
{
	static const char hex[] = "0123456789abcdef";
	const uint8_t *p = data;
	size_t used = 0;

	for (size_t i = 0; i < len_bytes; i++) {
		bool plain = p[i] >= 0x20 && p[i] <= 0x7e && p[i] != '\\';

		if (used + (plain ? 1 : 4) >= out_bytes)
			break;
		if (plain) {
			out[used++] = (char)p[i];
			continue;
		}
		out[used++] = '\\';
		out[used++] = 'x';
		out[used++] = hex[p[i] >> 4];
		out[used++] = hex[p[i] & 15];
	}
	if (out_bytes > 0)
		out[used] = '\0';
	return out;
}
