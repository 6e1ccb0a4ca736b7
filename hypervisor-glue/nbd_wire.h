/* nbd_wire.h - the client's half of the NBD handshake as bytes, up to NBD_REP_ACK of NBD_OPT_GO.
 *
 * Pure: no syscall, clock, heap or log. The server here is our own block process, which has read a
 * hostile image: nothing it says is used unchecked.
 * Source: NBD protocol (github.com/NetworkBlockDevice/nbd, doc/proto.md), fixed newstyle. */
#ifndef HYPERVISOR_GLUE_NBD_WIRE_H
#define HYPERVISOR_GLUE_NBD_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NBD_WIRE_GREETING_BYTES = 18,	   /* NBDMAGIC, IHAVEOPT, handshake flags */
	NBD_WIRE_GO_BYTES = 28,		   /* client flags, then NBD_OPT_GO */
	NBD_WIRE_REPLY_BYTES = 20,	   /* option reply header */
	NBD_WIRE_REPLIES_MAX = 16,	   /* ours sends three; more is nonsense */
	NBD_WIRE_PAYLOAD_BYTES_MAX = 4096, /* an error reply carries a text of at most this */
};

/* Transmission flags that this project looks at. */
enum {
	NBD_WIRE_FLAG_HAS_FLAGS = 1 << 0,
	NBD_WIRE_FLAG_READ_ONLY = 1 << 1,
	NBD_WIRE_FLAG_SEND_FLUSH = 1 << 2,
};

enum nbd_wire_reply_type { NBD_WIRE_REPLY_ACK = 1, NBD_WIRE_REPLY_INFO = 3 };

struct nbd_wire_reply {
	enum nbd_wire_reply_type type;
	uint32_t payload_bytes; /* at most NBD_WIRE_PAYLOAD_BYTES_MAX */
};

struct nbd_wire_export {
	uint64_t size_bytes;
	uint32_t block_bytes; /* smallest that may be asked for; 0 until the server has said one */
	uint16_t flags;	      /* transmission flags; 0 until the server has said them */
};

/* The server's first bytes. -EBADMSG: not NBD, or not fixed newstyle. */
int nbd_wire_greeting_parse(const uint8_t greeting[NBD_WIRE_GREETING_BYTES]);

/* What the client answers: no zeroes please, and GO for the export without a name. */
void nbd_wire_go_build(uint8_t ret_out[NBD_WIRE_GO_BYTES]);

/* Header of one reply. -ECONNREFUSED: the server refuses the export; -EBADMSG: anything else
 * that is neither an ACK without payload nor an INFO. */
int nbd_wire_reply_parse(const uint8_t header[NBD_WIRE_REPLY_BYTES], struct nbd_wire_reply *ret);

/* Payload of an INFO; what it says goes into *export, which may be filled by several. Unknown kinds
 * are passed over, as the protocol asks. -EBADMSG: wrong length, or a thing said twice. */
int nbd_wire_info_parse(const uint8_t *data, size_t len_bytes, struct nbd_wire_export *export);

/* After the ACK: may the kernel be given this export? Sets block_bytes to the logical block size of
 * the device, 512 to 4096. -EBADMSG: nothing said, empty, or not a whole number of blocks. */
int nbd_wire_export_finish(struct nbd_wire_export *export);

#endif
