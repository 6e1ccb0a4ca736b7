#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/blocked_text.h"
#include "netguard/nflog.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct nflog_sample s;
	struct bytes b;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	b = bytes_of(copy, size);
	while (nflog_next(&b, &s) == 1) {
		char text[BLOCKED_TEXT_BYTES];

		blocked_text(&s.blocked, text);
		if (s.blocked.what >= N_BLOCKED_WHATS || s.blocked.n_lost != 0 ||
		    s.blocked.source_port > 65535 || s.blocked.destination_port > 65535 ||
		    !msg_text_ok(text, sizeof(text)))
			abort();
	}
	free(copy);
	return 0;
}
