/* yaml_check.h - is this text plain enough to be shown to a YAML library at all?
 *
 * Pure: looks at raw bytes, once, from left to right. What passes: at most 64 KiB of UTF-8 without
 * control, byte-order or direction characters; one document; block and flow collections of
 * one-line scalars. What does not: tags, anchors, aliases, directives, block scalars ('|', '>'),
 * complex keys ('?'), tabs, quoted text over several lines, escapes other than \" and \\, and
 * unquoted scalars that look like octal, hexadecimal or binary numbers of 64 bits.
 * Source: YAML 1.1 (what libyaml reads), chapters 4, 5 and 7. */
#ifndef POLICY_YAML_CHECK_H
#define POLICY_YAML_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct yaml_check_fault {
	uint32_t line; /* both from 1 */
	uint32_t column;
	const char *why; /* static text, one clause */
};

/* 0; -EBADMSG with *ret_fault. */
int yaml_check(const char *text, size_t len_bytes, struct yaml_check_fault *ret_fault);

/* Would strtoull(.., 0) or YAML 1.1 read this whole scalar as a number that is not decimal? */
bool yaml_check_odd_number(const char *scalar, size_t len_bytes);

#endif
