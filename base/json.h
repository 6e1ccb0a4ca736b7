/* json.h - write JSON into a buffer of the caller's.
 *
 * Pure: no heap, no locale. Commas are set by the writer. What does not fit poisons the writer:
 * later calls do nothing, json_end() says so. Strings must be UTF-8; bytes that are not become
 * U+FFFD, control characters \u00XX. The text never holds '<', '>' or '&' either (they become
 * \u00XX), so it can stand inside HTML. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct json {
	char *out;
	size_t size_bytes;
	size_t len_bytes;
	bool comma;
	bool bad;
};

void json_begin(struct json *json, char *out, size_t size_bytes);

/* Close: NUL-terminate, *ret_bytes (may be NULL) is the length. -ENOSPC when it did not fit. */
int json_end(struct json *json, size_t *ret_bytes);

/* key NULL: an element of an array, or the value on top. Keys are literals of ours. */
void json_object(struct json *json, const char *key);
void json_object_end(struct json *json);
void json_array(struct json *json, const char *key);
void json_array_end(struct json *json);
void json_string(struct json *json, const char *key, const char *value);
void json_u64(struct json *json, const char *key, uint64_t value);
void json_i64(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_null(struct json *json, const char *key);
void json_hex(struct json *json, const char *key, const uint8_t *data, size_t len_bytes);

#endif
