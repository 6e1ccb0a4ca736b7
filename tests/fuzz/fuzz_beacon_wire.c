#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/beacon_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	uint8_t again[BEACON_PROBE_BYTES];
	struct beacon_certificate c;
	struct beacon_announcement a;
	struct beacon_probe p;
	struct beacon_reply r;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	/* every format has one form: what is accepted is built back to the same bytes */
	if (beacon_wire_certificate_parse(copy, size, &c) == 0) {
		beacon_wire_certificate_build(&c, again);
		if (memcmp(again, copy, size) != 0)
			abort();
	}
	if (beacon_wire_announcement_parse(copy, size, &a) == 0) {
		beacon_wire_announcement_build(&a, again);
		if (memcmp(again, copy, size) != 0)
			abort();
	}
	if (beacon_wire_probe_parse(copy, size, &p) == 0) {
		beacon_wire_probe_build(&p, again);
		if (memcmp(again, copy, size) != 0)
			abort();
	}
	if (beacon_wire_reply_parse(copy, size, &r) == 0) {
		beacon_wire_reply_build(&r, again);
		if (memcmp(again, copy, size) != 0)
			abort();
	}
	if (beacon_wire_request_parse(copy, size) == 0) {
		uint8_t request[BEACON_PROBE_BYTES];

		beacon_wire_request_build(request);
		if (memcmp(request, copy, size) != 0)
			abort();
	}
	(void)beacon_wire_probe_header_parse(copy, size);
	(void)beacon_wire_reply_header_parse(copy, size);
	free(copy);
	return 0;
}
