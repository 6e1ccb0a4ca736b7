#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/dhcp6.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct msg_dhcp6 f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (dhcp6_parse(copy, size, &f) == 0 &&
	    (!msg_text_ok(f.search, sizeof(f.search)) || f.n_resolvers > MSG_DHCP6_RESOLVERS ||
	     f.n_addresses > MSG_DHCP6_ADDRESSES || f.cut > 1 || f.has_vendor > 1))
		abort();
	free(copy);
	return 0;
}
