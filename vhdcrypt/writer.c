#include "vhdcrypt/writer.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

void writer_put(struct writer *writer, const char *fmt, ...)
{
	size_t left_bytes = writer->size_bytes - writer->n;
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(writer->out + writer->n, left_bytes, fmt, args);
	va_end(args);
	assert(n >= 0 && (size_t)n < left_bytes);
	writer->n += (size_t)n;
}
