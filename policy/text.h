/* text.h - the scalars of our documents: numbers, durations, hex digits, names.
 *
 * Pure: each form has one reading, everything else is refused. */
#ifndef POLICY_TEXT_H
#define POLICY_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Decimal, no sign, no leading zero, at most 2^64 - 1: 0 or -EBADMSG. */
int text_u64_parse(const char *text, uint64_t *ret);

/* At most 20 digits and a NUL into ret; returns the digits written. */
enum { TEXT_U64_BYTES = 21 };
size_t text_u64_build(uint64_t value, char ret[TEXT_U64_BYTES]);

/* "250ms", "10s", "15m", "72h", "30d" into milliseconds: 0 or -EBADMSG. No sign, no blank, no bare
 * number. */
int text_duration_parse(const char *text, uint64_t *ret_ms);

/* Lower-case hex of exactly len_bytes bytes and nothing else: 0 or -EBADMSG. */
int text_hex_parse(const char *text, uint8_t *ret, size_t len_bytes);

/* 2 * len_bytes lower-case digits and a NUL into ret. */
void text_hex_build(const uint8_t *data, size_t len_bytes, char *ret);

/* Padded base64 (RFC 4648 section 4) of at most max_bytes bytes, no line ends, unused bits zero:
 * 0 or -EBADMSG. */
int text_base64_parse(const char *text, uint8_t *ret, size_t max_bytes, size_t *ret_bytes);

/* Digits and a NUL into ret, which holds TEXT_BASE64_BYTES(len_bytes). */
#define TEXT_BASE64_BYTES(n) (((n) + 2) / 3 * 4 + 1)
void text_base64_build(const uint8_t *data, size_t len_bytes, char *ret);

/* A UUID (RFC 4122 section 3), lower case with dashes, its bytes in their order: 0 or -EBADMSG. */
enum { TEXT_UUID_BYTES = 37 };
int text_uuid_parse(const char *text, uint8_t ret[16]);
void text_uuid_build(const uint8_t uuid[16], char ret[TEXT_UUID_BYTES]);

/* A name of a device, disk, layer, lease or site: [A-Za-z0-9][A-Za-z0-9._-]*, below
 * MSG_NAME_BYTES, and nothing that reads as an octal or hexadecimal number. So it is a file name
 * too, and nothing else. */
bool text_name_ok(const char *name);

#endif
