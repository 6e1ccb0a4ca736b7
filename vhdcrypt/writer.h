/* writer.h - formatted text into a buffer that is known to be large enough. For texts of ours. */
#ifndef VHDCRYPT_WRITER_H
#define VHDCRYPT_WRITER_H

#include <stddef.h>

struct writer {
	char *out;
	size_t size_bytes;
	size_t n; /* characters so far; out is NUL-terminated after the first call */
};

/* Append. Asserts that it fits: the caller's buffer is sized for the longest text there is. */
void writer_put(struct writer *writer, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
