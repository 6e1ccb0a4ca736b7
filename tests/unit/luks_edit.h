/* luks_edit.h - what a thief with time does to a LUKS2 header: change it, make it valid.
 *
 * A header that is merely corrupted fails its checksum and is repaired or refused for that; only
 * a re-checksummed one shows whether anybody looks at what it says. */
#ifndef TESTS_UNIT_LUKS_EDIT_H
#define TESTS_UNIT_LUKS_EDIT_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <sodium.h>

enum { LUKS_COPY_BYTES = 16384, LUKS_JSON_AT = 4096, LUKS_CSUM_AT = 448, LUKS_BYTES = 557056 };

static inline void luks_edit_checksum(uint8_t *copy)
{
	uint8_t sum[32];

	memset(copy + LUKS_CSUM_AT, 0, 64);
	(void)crypto_hash_sha256(sum, copy, LUKS_COPY_BYTES);
	memcpy(copy + LUKS_CSUM_AT, sum, sizeof(sum));
}

/* Replace the first `from` behind `after` by `to` in both copies. False: it is not there. */
static inline bool luks_edit_json(uint8_t *header, const char *after, const char *from,
				  const char *to)
{
	for (int i = 0; i < 2; i++) {
		uint8_t *copy = header + i * LUKS_COPY_BYTES;
		char *json = (char *)copy + LUKS_JSON_AT;
		char *at = strstr(json, after);
		char rest[LUKS_COPY_BYTES - LUKS_JSON_AT] = { 0 };

		at = at ? strstr(at, from) : NULL;
		if (!at || strlen(json) + strlen(to) >= sizeof(rest) + strlen(from))
			return false;
		strcpy(rest, at + strlen(from));
		memset(at, 0, strlen(at));
		memcpy(at, to, strlen(to));
		memcpy(at + strlen(to), rest, strlen(rest));
		luks_edit_checksum(copy);
	}
	return true;
}

#endif
