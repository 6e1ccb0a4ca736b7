/* homes.h - the file of enrolled homes: a text of lines, whole or not at all.
 *
 * Pure: text in, values out. The first line names the format, the last one counts the homes, so a
 * file that was cut anywhere is refused as a whole: then there are no homes, which is tighter.
 * Format: doc/formats.md. */
#ifndef NETGUARD_HOMES_H
#define NETGUARD_HOMES_H

#include <stddef.h>
#include <stdint.h>

#include "netguard/classify_home.h"

enum { HOMES_TEXT_BYTES = 64 + CLASSIFY_HOMES * 256 };

struct homes {
	uint32_t n;
	struct classify_home home[CLASSIFY_HOMES];
	uint64_t enrolled_wall_s[CLASSIFY_HOMES];
};

/* 0, or -EBADMSG: not exactly what homes_build() writes. */
int homes_parse(const void *text, size_t len_bytes, struct homes *ret);

/* The length, without a NUL. Every name is homes_name_ok(), n at most CLASSIFY_HOMES. */
size_t homes_build(const struct homes *homes, char ret[HOMES_TEXT_BYTES]);

/* [A-Za-z0-9][A-Za-z0-9._-]*, below MSG_NAME_BYTES. */
bool homes_name_ok(const char *name);

/* The index of a home of this name; n when there is none. */
uint32_t homes_find(const struct homes *homes, const char *name);

/* Take one out. */
void homes_remove(struct homes *homes, uint32_t index);

#endif
