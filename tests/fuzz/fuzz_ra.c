#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/ra.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct frame frame;
	struct msg_ra f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (frame_parse(copy, size, &frame) == 0 && ra_parse(&frame, &f) == 0) {
		if (!msg_text_ok(f.search, sizeof(f.search)) ||
		    !msg_text_ok(f.pvd, sizeof(f.pvd)) || f.n_prefixes > MSG_RA_PREFIXES ||
		    f.n_resolvers > MSG_RA_RESOLVERS || f.cut > 1)
			abort();
		for (uint32_t i = 0; i < f.n_prefixes; i++)
			if (f.prefix[i].len_bits > 128)
				abort();
	}
	free(copy);
	return 0;
}
