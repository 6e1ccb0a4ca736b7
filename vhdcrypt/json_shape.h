/* json_shape.h - demand an exact shape of JSON from outside, and say precisely what differs.
 *
 * Every function returns 0, or -EBADMSG with *ret_detail: which field, what it is, what it should
 * be. `path` names the object for that line. Text is only ever borrowed from json-c. */
#ifndef VHDCRYPT_JSON_SHAPE_H
#define VHDCRYPT_JSON_SHAPE_H

#include <stddef.h>
#include <stdint.h>

#include <json-c/json.h>

#include "vhdcrypt/detail.h"

struct json_shape {
	struct json_object *object; /* borrowed */
	const char *path;	    /* "segments.0"; a literal or one that outlives the calls */
	struct detail *ret_detail;
};

/* Parse text of exactly n bytes; it must be what json-c itself writes (no blanks, no escapes that
 * need not be, no key twice, no numbers other than integers in plain form). -ENOMEM too.
 * *ret is owned by the caller: json_object_put(). */
int json_shape_parse(const char *text, size_t n, struct json_object **ret,
		     struct detail *ret_detail);

/* An object with exactly these keys, in any order; ended by NULL. */
int json_shape_keys(const struct json_shape *at, const char *const *keys);

/* Step down to an object; at and ret may not be the same. path is that of the child. */
int json_shape_child(const struct json_shape *at, const char *key, const char *path,
		     struct json_shape *ret);

/* The field is exactly this string. */
int json_shape_is(const struct json_shape *at, const char *key, const char *want);

/* The field is one of two strings. ret_index: which. */
int json_shape_either(const struct json_shape *at, const char *key, const char *want,
		      const char *other, unsigned *ret_index);

/* The field is an array of exactly these strings; ended by NULL. */
int json_shape_list(const struct json_shape *at, const char *key, const char *const *want);

/* A JSON integer within bounds. */
int json_shape_number(const struct json_shape *at, const char *key, uint32_t min, uint32_t max,
		      uint32_t *ret);

/* A string with a decimal number without leading zeros (LUKS2 writes 64-bit values so). */
int json_shape_decimal(const struct json_shape *at, const char *key, uint64_t *ret);

/* A string in padded base64 or lower-case hex that stands for exactly n bytes. */
int json_shape_base64(const struct json_shape *at, const char *key, uint8_t *ret, size_t n);
int json_shape_hex(const struct json_shape *at, const char *key, uint8_t *ret, size_t n);

#endif
