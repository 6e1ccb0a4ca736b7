/* The first 512 bytes of an input are the binary header, the rest is the JSON area; both copies are
 * made of it, with their magic, offset and checksum put right, so that a fuzzer gets past those. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "vhdcrypt/header_raw.h"

enum { COPY_BYTES = HEADER_RAW_COPY_BYTES, HEAD_BYTES = 512, OFFSET_AT = 256, CSUM_AT = 448 };

static void make_copy(uint8_t *copy, const uint8_t *data, size_t size, int second)
{
	size_t head = size < HEAD_BYTES ? size : HEAD_BYTES;
	size_t json = size - head;

	if (json > HEADER_RAW_JSON_BYTES)
		json = HEADER_RAW_JSON_BYTES;
	memset(copy, 0, COPY_BYTES);
	memcpy(copy, data, head);
	memcpy(copy + HEADER_RAW_BINARY_BYTES, data + head, json);
	memcpy(copy, second ? "SKUL" : "LUKS", 4);
	copy[OFFSET_AT + 6] = second ? COPY_BYTES >> 8 : 0;
	memset(copy + CSUM_AT, 0, 64);
	(void)crypto_hash_sha256(copy + CSUM_AT, copy, COPY_BYTES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t header[2 * COPY_BYTES];
	struct header_raw raw;
	struct detail detail;

	make_copy(header, data, size, 0);
	make_copy(header + COPY_BYTES, data, size, 1);
	if (header_raw_parse(header, &raw, &detail) == 0 && strlen(raw.json) != raw.json_bytes)
		abort();
	return 0;
}
