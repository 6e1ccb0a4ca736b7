/* vhd_batmap.h - tapdisk's map of full blocks, which lies behind the block table of its images.
 *
 * Pure: bytes to values and back. A set bit says that all sectors of a block are written, so that
 * tapdisk need not look at the block's bitmap; a clear one says nothing. We never use it, but what we
 * write must not make it lie: it is emptied before the first write.
 * Source: blktap, include/vhd.h ("vhd_batmap_header") and vhd_checksum_batmap(). */
#ifndef VHDCRYPT_VHD_BATMAP_H
#define VHDCRYPT_VHD_BATMAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_fault.h"

enum { VHD_BATMAP_HEADER_BYTES = 512 };

struct vhd_batmap {
	uint64_t offset_byte;
	uint64_t len_bytes;
	uint32_t version; /* VHD_BATMAP_V1_1 or VHD_BATMAP_V1_2 */
	uint32_t checksum;
	bool keyed; /* of an image whose payload tapdisk has encrypted */
};

enum { VHD_BATMAP_V1_1 = 0x00010001, VHD_BATMAP_V1_2 = 0x00010002 };

bool vhd_batmap_seen(const void *data, size_t len_bytes);

/* Parse a header that was seen. n_blocks: what the map has to have bits for.
 * -EBADMSG: version, place or size is not one we may trust. */
int vhd_batmap_parse(const uint8_t data[VHD_BATMAP_HEADER_BYTES], uint32_t n_blocks,
		     uint64_t file_bytes, struct vhd_batmap *ret_batmap,
		     struct vhd_fault *ret_fault);

/* The running sum of the map's bytes, begun with 0; version 1.1 took them for signed numbers. */
uint32_t vhd_batmap_sum(uint32_t version, uint32_t sum, const uint8_t *data, size_t len_bytes);

/* The header's checksum for the sum of the whole map. */
static inline uint32_t vhd_batmap_checksum(uint32_t sum)
{
	return ~sum;
}

/* Put the checksum of an empty map into a header. */
void vhd_batmap_header_empty(uint8_t data[VHD_BATMAP_HEADER_BYTES]);

#endif
