/* A whole conversation as the server would send it: greeting, then replies. */
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/bytes.h"
#include "hypervisor-glue/nbd_wire.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len_bytes)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct nbd_wire_export export = { 0 };
	struct nbd_wire_reply reply;
	const uint8_t *part = bytes_take(&b, NBD_WIRE_GREETING_BYTES);

	if (!part || nbd_wire_greeting_parse(part) < 0)
		return 0;
	while ((part = bytes_take(&b, NBD_WIRE_REPLY_BYTES)) != NULL) {
		if (nbd_wire_reply_parse(part, &reply) < 0)
			return 0;
		if (reply.type == NBD_WIRE_REPLY_ACK)
			break;
		part = bytes_take(&b, reply.payload_bytes);
		if (!part || nbd_wire_info_parse(part, reply.payload_bytes, &export) < 0)
			return 0;
	}
	if (nbd_wire_export_finish(&export) == 0 &&
	    (export.size_bytes == 0 || export.size_bytes % export.block_bytes != 0 ||
	     export.block_bytes < 512 || export.block_bytes > 4096))
		abort();
	return 0;
}
