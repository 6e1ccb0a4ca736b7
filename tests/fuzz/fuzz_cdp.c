#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/cdp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct msg_cdp f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (cdp_parse(copy, size, &f) == 0 &&
	    (!msg_text_ok(f.device, sizeof(f.device)) || !msg_text_ok(f.port, sizeof(f.port)) ||
	     !msg_text_ok(f.platform, sizeof(f.platform)) ||
	     !msg_text_ok(f.vtp_domain, sizeof(f.vtp_domain))))
		abort(); /* what leaves the parser is text */
	free(copy);
	return 0;
}
