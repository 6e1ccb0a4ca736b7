#include "vhdcrypt/detail.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void detail_set(struct detail *detail, const char *fmt, ...)
{
	va_list args;

	/* a message must not carry what stood here before */
	memset(detail, 0, sizeof(*detail));
	va_start(args, fmt);
	(void)vsnprintf(detail->text, sizeof(detail->text), fmt, args);
	va_end(args);
}
