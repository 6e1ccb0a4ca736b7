/* bytes.h - bounds-checked read cursor over untrusted bytes.
 *
 * A cursor never reads outside [at, end). The first failed read poisons it:
 * every later read fails and yields zero. A parser may therefore read a whole
 * fixed header and test once, with bytes_ok(), before using any field. */
#ifndef BASE_BYTES_H
#define BASE_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct bytes {
	const uint8_t *at;
	const uint8_t *end;
	bool bad;
};

static inline struct bytes bytes_of(const void *data, size_t len_bytes)
{
	const uint8_t *p = data;

	return (struct bytes){ .at = p, .end = p + len_bytes, .bad = false };
}

static inline bool bytes_ok(const struct bytes *b)
{
	return !b->bad;
}

static inline size_t bytes_left(const struct bytes *b)
{
	return b->bad ? 0 : (size_t)(b->end - b->at);
}

/* Borrow the next n bytes and step over them; NULL (and poison) if fewer remain. */
static inline const uint8_t *bytes_take(struct bytes *b, size_t n)
{
	const uint8_t *p = b->at;

	if (b->bad || n > bytes_left(b)) {
		b->bad = true;
		return NULL;
	}
	b->at += n;
	return p;
}

/* Copy the next n bytes to out; zeros (and poison) if fewer remain. */
static inline void bytes_copy(struct bytes *b, void *out, size_t n)
{
	const uint8_t *p = bytes_take(b, n);

	if (p)
		memcpy(out, p, n);
	else
		memset(out, 0, n);
}

static inline uint8_t bytes_u8(struct bytes *b)
{
	const uint8_t *p = bytes_take(b, 1);

	return p ? p[0] : 0;
}

static inline uint16_t bytes_be16(struct bytes *b)
{
	const uint8_t *p = bytes_take(b, 2);

	if (!p)
		return 0;
	return (uint16_t)((unsigned)p[0] << 8 | p[1]);
}

static inline uint32_t bytes_be32(struct bytes *b)
{
	const uint8_t *p = bytes_take(b, 4);

	if (!p)
		return 0;
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t bytes_be64(struct bytes *b)
{
	const uint8_t *p = bytes_take(b, 8);
	uint64_t v = 0;

	for (size_t i = 0; p && i < 8; i++)
		v = v << 8 | p[i];
	return v;
}

/* A cursor over the next n bytes only; poisoned if the parent has fewer. */
static inline struct bytes bytes_sub(struct bytes *b, size_t n)
{
	const uint8_t *p = bytes_take(b, n);

	if (!p)
		return (struct bytes){ .bad = true };
	return bytes_of(p, n);
}

#endif
