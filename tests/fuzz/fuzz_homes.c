#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/homes.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct homes homes;
	char text[HOMES_TEXT_BYTES];

	if (homes_parse(data, size, &homes) < 0)
		return 0;
	/* there is one way to write it */
	if (homes_build(&homes, text) != size || memcmp(text, data, size) != 0)
		abort();
	return 0;
}
