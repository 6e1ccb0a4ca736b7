#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	char names[MSG_DOMAIN_BYTES];
	uint32_t cut;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (domain_search_parse(copy, size, names, &cut) == 0 &&
	    (!msg_text_ok(names, sizeof(names)) || cut > 1))
		abort(); /* what leaves the parser is text */
	free(copy);
	return 0;
}
