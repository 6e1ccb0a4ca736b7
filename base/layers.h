/* layers.h - the record of the layers that a laptop put upon a disk after its check-out.
 *
 * Pure: bytes to values and back, no allocation. The record is sealed by a key that only the disk's
 * share gives (vhdcrypt/unlock_local.h): until `key` has seen that, it is an attacker's, who may choose
 * the files that are opened by it and nothing else. Format: doc/formats.md, "Local layers". */
#ifndef BASE_LAYERS_H
#define BASE_LAYERS_H

#include <stddef.h>
#include <stdint.h>

#include "base/msg_disk.h"

enum {
	LAYERS_SEAL_BYTES = 32,
	LAYERS_HEAD_BYTES = 56,
	LAYERS_ENTRY_BYTES = 168,
	LAYERS_FILE_BYTES =
		LAYERS_HEAD_BYTES + (MSG_LAYERS - 1) * LAYERS_ENTRY_BYTES + LAYERS_SEAL_BYTES,
};

static_assert((int)LAYERS_FILE_BYTES == (int)MSG_LAYERS_RECORD_BYTES, "the largest record");

/* -EBADMSG: *ret_why is one clause about the first field that is wrong. */
int layers_parse(const uint8_t *data, size_t len_bytes, struct msg_local *ret,
		 const char **ret_why);

/* The file's bytes; their number is returned. What the seal covers is all of them but the last
 * LAYERS_SEAL_BYTES. local: as layers_parse() gives it. */
size_t layers_build(const struct msg_local *local, uint8_t ret[LAYERS_FILE_BYTES]);

/* The lease as it is after the record: its leaf is the newest local layer, and what it leased lies
 * below. A record of generation 0 is none. -E2BIG: more layers than can be served; -EBADMSG: a name
 * or UUID twice, or another size than the disk's. */
int layers_chain(const struct msg_local *local, const struct msg_lease *lease,
		 struct msg_lease *ret);

#endif
