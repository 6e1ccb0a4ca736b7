#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/dhcp4.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct msg_dhcp4 f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (dhcp4_parse(copy, size, &f) == 0 &&
	    (!msg_text_ok(f.domain, sizeof(f.domain)) || !msg_text_ok(f.search, sizeof(f.search)) ||
	     f.n_dns > 4 || f.message_type == 0))
		abort(); /* what leaves the parser is text and in range */
	free(copy);
	return 0;
}
