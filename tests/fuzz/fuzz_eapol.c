#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/eapol.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct msg_eapol f;
	const char *what = NULL;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (eapol_parse(copy, size, &f) == 0) {
		if (!msg_text_ok(f.identity, sizeof(f.identity)))
			abort();
		if (eapol_is_network(&f, &what) && !what)
			abort();
	}
	free(copy);
	return 0;
}
