/* detail.h - one line that says precisely why something was refused.
 *
 * Text from outside goes in through log_quote() (base/log.h) only. */
#ifndef VHDCRYPT_DETAIL_H
#define VHDCRYPT_DETAIL_H

#include "base/msg.h"

struct detail {
	char text[MSG_TEXT_BYTES];
};

/* Overwrites; a line that does not fit is cut. */
void detail_set(struct detail *detail, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
