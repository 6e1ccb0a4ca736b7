#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/leaf_mac.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A head that is accepted is built again to the same bytes, and the file's length does not wrap. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t again[LEAF_MAC_SIGNED_BYTES];
	struct vhd_fault fault;
	struct leaf_mac mac;

	if (leaf_mac_parse(data, size, &mac, &fault) < 0)
		return 0;
	leaf_mac_build(&mac, again);
	if (memcmp(again, data, sizeof(again)) != 0 ||
	    leaf_mac_pair_byte(leaf_mac_n_units(&mac)) < LEAF_MAC_HEAD_ROOM_BYTES)
		abort();
	return 0;
}
