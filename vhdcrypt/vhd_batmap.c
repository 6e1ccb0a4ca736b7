#include "vhdcrypt/vhd_batmap.h"

#include <string.h>

#include "base/bytes.h"

enum { SECTOR = 512, CHECKSUM_AT = 24, MARKER_BYTES = 1 };

static const uint8_t COOKIE[8] = { 't', 'd', 'b', 'a', 't', 'm', 'a', 'p' };

bool vhd_batmap_seen(const void *data, size_t len_bytes)
{
	return len_bytes >= sizeof(COOKIE) && memcmp(data, COOKIE, sizeof(COOKIE)) == 0;
}

int vhd_batmap_parse(const uint8_t data[VHD_BATMAP_HEADER_BYTES], uint32_t n_blocks,
		     uint64_t file_bytes, struct vhd_batmap *ret_batmap,
		     struct vhd_fault *ret_fault)
{
	struct bytes b = bytes_of(data, VHD_BATMAP_HEADER_BYTES);
	struct vhd_batmap m = { 0 };

	(void)bytes_take(&b, sizeof(COOKIE));
	m.offset_byte = bytes_be64(&b);
	m.len_bytes = (uint64_t)bytes_be32(&b) * SECTOR;
	m.version = bytes_be32(&b);
	m.checksum = bytes_be32(&b);
	(void)bytes_take(&b, MARKER_BYTES); /* a note of XenServer's storage manager */
	while (bytes_left(&b) > 0)	    /* the key's hash, or what nobody has defined */
		m.keyed |= bytes_u8(&b) != 0;
	if (m.version != VHD_BATMAP_V1_1 && m.version != VHD_BATMAP_V1_2)
		return vhd_fault_set(ret_fault, "batmap", "version", m.version,
				     "is not 1.1 or 1.2");
	if (m.offset_byte % SECTOR != 0 || m.offset_byte > file_bytes)
		return vhd_fault_set(ret_fault, "batmap", "offset", m.offset_byte,
				     "is not the start of a sector of the file");
	if (m.len_bytes > file_bytes - m.offset_byte)
		return vhd_fault_set(ret_fault, "batmap", "size", m.len_bytes,
				     "passes the end of the file");
	if (m.len_bytes * 8 < n_blocks)
		return vhd_fault_set(ret_fault, "batmap", "size", m.len_bytes,
				     "is too small for the blocks of the disk");
	*ret_batmap = m;
	return 0;
}

uint32_t vhd_batmap_sum(uint32_t version, uint32_t sum, const uint8_t *data, size_t len_bytes)
{
	for (size_t i = 0; i < len_bytes; i++) {
		sum += data[i];
		if (version == VHD_BATMAP_V1_1 && data[i] >= 0x80)
			sum -= 0x100;
	}
	return sum;
}

void vhd_batmap_header_empty(uint8_t data[VHD_BATMAP_HEADER_BYTES])
{
	memset(data + CHECKSUM_AT, 0xff, 4); /* ~0 */
}
