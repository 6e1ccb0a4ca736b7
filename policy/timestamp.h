/* timestamp.h - RFC 3339 in UTC, to the second ("2025-11-20T17:00:00Z"), and seconds since 1970.
 *
 * Pure: no clock, no time zone. Years 1970 to 9999, "Z" only, no leap seconds. */
#ifndef POLICY_TIMESTAMP_H
#define POLICY_TIMESTAMP_H

#include <stddef.h>
#include <stdint.h>

enum {
	TIMESTAMP_BYTES = 21,	 /* with NUL */
	TIMESTAMP_MS_BYTES = 25, /* with ".mmm" */
};

/* Last second of 9999: what no document exceeds. */
#define TIMESTAMP_MAX_S UINT64_C(253402300799)

/* 0; -EBADMSG for any other form, or a day that does not exist. */
int timestamp_parse(const char *text, size_t len_bytes, uint64_t *ret_wall_s);

/* The same with milliseconds ("2025-11-20T17:00:00.123Z"). */
int timestamp_ms_parse(const char *text, size_t len_bytes, uint64_t *ret_wall_ms);

/* Values above TIMESTAMP_MAX_S are written as that. */
void timestamp_build(uint64_t wall_s, char ret[TIMESTAMP_BYTES]);
void timestamp_ms_build(uint64_t wall_ms, char ret[TIMESTAMP_MS_BYTES]);

#endif
