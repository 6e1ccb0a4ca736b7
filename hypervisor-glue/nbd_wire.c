#include "hypervisor-glue/nbd_wire.h"

#include <errno.h>
#include <string.h>

#include "base/bytes.h"

static const uint64_t magic_init = 0x4e42444d41474943;	 /* "NBDMAGIC" */
static const uint64_t magic_option = 0x49484156454f5054; /* "IHAVEOPT" */
static const uint64_t magic_reply = 0x0003e889045565a9;

enum { HANDSHAKE_FIXED_NEWSTYLE = 1 << 0, HANDSHAKE_NO_ZEROES = 1 << 1 };
enum { OPTION_GO = 7 };
enum { INFO_EXPORT = 0, INFO_BLOCK_SIZE = 3 };
enum { BLOCK_BYTES_MIN = 512, BLOCK_BYTES_MAX = 4096 }; /* a sector; a page */

int nbd_wire_greeting_parse(const uint8_t greeting[NBD_WIRE_GREETING_BYTES])
{
	struct bytes b = bytes_of(greeting, NBD_WIRE_GREETING_BYTES);
	uint64_t init = bytes_be64(&b);
	uint64_t option = bytes_be64(&b);
	uint16_t flags = bytes_be16(&b);

	if (!bytes_ok(&b) || init != magic_init || option != magic_option)
		return -EBADMSG;
	return flags & HANDSHAKE_FIXED_NEWSTYLE ? 0 : -EBADMSG;
}

static uint8_t *put_be(uint8_t *at, uint64_t value, unsigned n_bytes)
{
	for (unsigned i = 0; i < n_bytes; i++)
		at[i] = (uint8_t)(value >> 8 * (n_bytes - 1 - i));
	return at + n_bytes;
}

void nbd_wire_go_build(uint8_t ret_out[NBD_WIRE_GO_BYTES])
{
	uint8_t *at = ret_out;

	at = put_be(at, HANDSHAKE_FIXED_NEWSTYLE | HANDSHAKE_NO_ZEROES, 4);
	at = put_be(at, magic_option, 8);
	at = put_be(at, OPTION_GO, 4);
	at = put_be(at, 8, 4); /* length of what follows */
	at = put_be(at, 0, 4); /* name: the default export */
	at = put_be(at, 1, 2); /* one request for information */
	(void)put_be(at, INFO_BLOCK_SIZE, 2);
}

int nbd_wire_reply_parse(const uint8_t header[NBD_WIRE_REPLY_BYTES], struct nbd_wire_reply *ret)
{
	struct bytes b = bytes_of(header, NBD_WIRE_REPLY_BYTES);
	uint64_t magic = bytes_be64(&b);
	uint32_t option = bytes_be32(&b);
	uint32_t type = bytes_be32(&b);
	uint32_t len = bytes_be32(&b);

	if (!bytes_ok(&b) || magic != magic_reply || option != OPTION_GO ||
	    len > NBD_WIRE_PAYLOAD_BYTES_MAX)
		return -EBADMSG;
	if (type >> 31)
		return -ECONNREFUSED;
	if (type == NBD_WIRE_REPLY_ACK && len == 0)
		ret->type = NBD_WIRE_REPLY_ACK;
	else if (type == NBD_WIRE_REPLY_INFO)
		ret->type = NBD_WIRE_REPLY_INFO;
	else
		return -EBADMSG;
	ret->payload_bytes = len;
	return 0;
}

int nbd_wire_info_parse(const uint8_t *data, size_t len_bytes, struct nbd_wire_export *export)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct nbd_wire_export next = *export;
	uint16_t kind = bytes_be16(&b);

	if (!bytes_ok(&b))
		return -EBADMSG;
	if (kind == INFO_EXPORT && next.flags == 0) {
		next.size_bytes = bytes_be64(&b);
		next.flags = bytes_be16(&b);
	} else if (kind == INFO_BLOCK_SIZE && next.block_bytes == 0) {
		next.block_bytes = bytes_be32(&b);
		(void)bytes_take(&b, 8); /* preferred and maximum size: the kernel has its own */
		if (next.block_bytes == 0)
			return -EBADMSG;
	} else if (kind == INFO_EXPORT || kind == INFO_BLOCK_SIZE) {
		return -EBADMSG;
	} else {
		return 0;
	}
	if (!bytes_ok(&b) || bytes_left(&b) != 0)
		return -EBADMSG;
	*export = next;
	return 0;
}

int nbd_wire_export_finish(struct nbd_wire_export *export)
{
	uint32_t block =
		export->block_bytes < BLOCK_BYTES_MIN ? BLOCK_BYTES_MIN : export->block_bytes;

	if (!(export->flags & NBD_WIRE_FLAG_HAS_FLAGS) || block > BLOCK_BYTES_MAX ||
	    (block & (block - 1)) != 0)
		return -EBADMSG;
	if (export->size_bytes == 0 || export->size_bytes > INT64_MAX ||
	    export->size_bytes % block != 0)
		return -EBADMSG;
	export->block_bytes = block;
	return 0;
}
