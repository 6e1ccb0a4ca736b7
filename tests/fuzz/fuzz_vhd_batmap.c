#include <stdlib.h>
#include <string.h>

#include "vhdcrypt/vhd_batmap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first byte: how many blocks; the file has 1 MiB. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t raw[VHD_BATMAP_HEADER_BYTES] = { 't', 'd', 'b', 'a', 't', 'm', 'a', 'p' };
	const uint64_t file_bytes = 1 << 20;
	uint32_t n_blocks = size > 0 ? data[0] * 100u : 0;
	struct vhd_fault fault;
	struct vhd_batmap m;

	if (size < 2)
		return 0;
	memcpy(raw + 8, data + 1, size - 1 < sizeof(raw) - 8 ? size - 1 : sizeof(raw) - 8);
	if (vhd_batmap_parse(raw, n_blocks, file_bytes, &m, &fault) < 0)
		return 0;
	if (m.offset_byte > file_bytes || m.len_bytes > file_bytes - m.offset_byte ||
	    m.len_bytes * 8 < n_blocks)
		abort();
	vhd_batmap_header_empty(raw);
	if (vhd_batmap_parse(raw, n_blocks, file_bytes, &m, &fault) < 0 ||
	    m.checksum != vhd_batmap_checksum(0))
		abort();
	return 0;
}
