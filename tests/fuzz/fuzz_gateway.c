#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"

#include "netguard/gateway.h"
#include "netguard/repeat.h"
#include "netguard/sense.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A run of frames, each behind its length in two bytes (0: a heartbeat), as sniff takes them. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = bytes_of(data, size);
	struct gateway gateway = { 0 };
	struct repeat repeat = { 0 };

	while (bytes_left(&b) > 0) {
		size_t len_bytes = bytes_be16(&b);
		struct bytes frame = bytes_sub(&b, len_bytes);
		struct msg_claim claim, router;

		if (!bytes_ok(&frame))
			break;
		if (len_bytes == 0) {
			repeat_beat(&repeat);
			while (repeat_next(&repeat, &claim))
				repeat_told(&repeat, &claim);
			continue;
		}
		if (sense_frame(frame.at, len_bytes, 7, 1000, &claim) < 0)
			continue;
		if (!repeat_hold(&repeat, &claim))
			repeat_told(&repeat, &claim);
		if (!gateway_take(&gateway, &claim, &router))
			continue;
		if (router.kind != SIGN_GATEWAY || router.gateway.family == 0)
			abort();
		if (claim.kind == SIGN_GATEWAY && gateway_take(&gateway, &claim, &router))
			abort(); /* the same again is no news */
	}
	return 0;
}
