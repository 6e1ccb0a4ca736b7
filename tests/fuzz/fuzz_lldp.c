#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/lldp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct msg_lldp f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (lldp_parse(copy, size, &f) == 0 &&
	    (!msg_text_ok(f.chassis, sizeof(f.chassis)) || !msg_text_ok(f.port, sizeof(f.port)) ||
	     !msg_text_ok(f.system, sizeof(f.system))))
		abort(); /* what leaves the parser is text */
	free(copy);
	return 0;
}
