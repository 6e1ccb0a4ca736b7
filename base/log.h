/* log.h - "<prio>role: text" on standard error, as journald reads it. Roles log, rooms do not. */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stddef.h>

/* Name before every line; a string literal. Call first in main(). */
void log_open(const char *role);

/* err: negative errno, its text is appended after ": "; 0: nothing is appended. */
void log_err(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_warn(int err, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void log_info(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* log_err() and exit with status 1: a security step or a contract that did not hold. */
_Noreturn void die(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Untrusted bytes as one printable line into out: backslash and what is not ASCII 0x20..0x7e
 * become \xNN; cut to fit, NUL-terminated. Returns out. */
const char *log_quote(const void *data, size_t len_bytes, char *out, size_t out_bytes);

#endif
