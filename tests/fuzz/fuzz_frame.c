#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "netguard/frame.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* In memory that ends where the input ends. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct frame f;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	if (frame_parse(copy, size, &f) == 0) {
		size_t left_bytes = bytes_left(&f.payload);

		if (left_bytes > size || (f.is_udp && f.is_icmp6) || f.vlan_id > 0xfff)
			abort();
		if (left_bytes > 0 && (f.payload.at < copy || f.payload.end > copy + size))
			abort(); /* what is borrowed lies inside the frame */
	}
	free(copy);
	return 0;
}
