#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char again[TIMESTAMP_MS_BYTES];
	uint64_t v;

	if (timestamp_parse((const char *)data, size, &v) == 0) {
		timestamp_build(v, again);
		if (memcmp(again, data, size) != 0)
			abort();
	}
	if (timestamp_ms_parse((const char *)data, size, &v) == 0) {
		timestamp_ms_build(v, again);
		if (memcmp(again, data, size) != 0)
			abort();
	}
	return 0;
}
