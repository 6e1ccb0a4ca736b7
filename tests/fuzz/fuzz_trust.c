#include <stdint.h>
#include <stdlib.h>

#include "policy/trust.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct document_error error;
	struct trust trust;

	if (trust_parse((const char *)data, size, &trust, &error) == 0 &&
	    (trust.threshold == 0 || trust.threshold > trust.n_root ||
	     trust.n_root > MINISIGN_KEYS_MAX))
		abort();
	return 0;
}
