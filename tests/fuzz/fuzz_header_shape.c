#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "vhdcrypt/header_shape.h"
#include "vhdcrypt/seal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t uuid[HEADER_RAW_UUID_BYTES];
	struct header_shape shape;
	struct detail detail;
	char text[SEAL_TEXT_BYTES];
	size_t n;

	if (header_shape_parse((const char *)data, size, &shape, &detail) == 0) {
		if (shape.sector_bytes != 512 && shape.sector_bytes != 4096)
			abort();
		seal_text(&shape, uuid, UINT64_MAX, text, &n); /* fits, whatever was accepted */
	}
	return 0;
}
