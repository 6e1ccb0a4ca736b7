#include "vhdcrypt/image_where.h"

#include <errno.h>

#include "vhdcrypt/image_state.h"

enum { SECTOR = VHD_FORMAT_SECTOR_BYTES };

int image_where(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
		struct image_where *ret_where)
{
	uint64_t size = image->info.virtual_bytes;
	struct image_piece p;
	uint32_t entry, n;
	bool written;
	int r;

	if (len_bytes == 0 || offset_byte % SECTOR != 0 || len_bytes % SECTOR != 0 ||
	    offset_byte > size || len_bytes > size - offset_byte)
		return -EINVAL;
	if (image_is_fixed(image)) {
		*ret_where = (struct image_where){ .len_bytes = len_bytes,
						   .placed = true,
						   .file_byte = offset_byte };
		return 0;
	}
	p = image_piece(image, offset_byte, len_bytes);
	r = image_block_run(image, p.block, p.first_byte / SECTOR, p.len_bytes / SECTOR, &entry,
			    &written, &n);
	if (r < 0)
		return r;
	*ret_where = (struct image_where){ .len_bytes = (uint64_t)n * SECTOR,
					   .hole = !written,
					   .placed = entry != VHD_MAP_HOLE };
	if (ret_where->placed)
		ret_where->file_byte = vhd_map_data_byte(&image->map, entry) + p.first_byte;
	return 0;
}
