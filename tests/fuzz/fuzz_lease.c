#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "policy/lease.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_error error;
	struct lease lease;
	struct lease again;
	char text[LEASE_TEXT_BYTES];

	memset(&lease, 0, sizeof(lease));
	memset(&again, 0, sizeof(again));
	if (lease_parse((const char *)data, size, &lease, &error) < 0)
		return 0;
	/* what is read can be written, and means the same */
	if (lease_build(&lease, text) < 0 || lease_parse(text, strlen(text), &again, &error) < 0 ||
	    memcmp(&lease.key, &again.key, sizeof(lease.key)) != 0)
		abort();
	return 0;
}
