#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"

/* Footer copy, header, block table: one behind the other, as every tool expects them. */
enum {
	HEADER_AT = VHD_FORMAT_FOOTER_BYTES,
	TABLE_AT = HEADER_AT + VHD_FORMAT_HEADER_BYTES,
};

void image_footer_init(enum vhd_type type, uint64_t virtual_bytes,
		       const uint8_t uuid[VHD_FORMAT_UUID_BYTES], uint32_t timestamp_s,
		       struct vhd_footer *ret_footer)
{
	struct vhd_footer f = {
		.features = 2, /* "reserved": always set */
		.version = 0x00010000,
		.header_offset_byte = type == VHD_TYPE_FIXED ? UINT64_MAX : HEADER_AT,
		.timestamp_s = timestamp_s,
		/* the creator that qemu 7.2 and every other reader take the current size from */
		.creator = { 'q', 'e', 'm', '2' },
		.creator_version = 0x00050003,
		.creator_os = { 'W', 'i', '2', 'k' },
		.original_bytes = virtual_bytes,
		.current_bytes = virtual_bytes,
		.type = type,
	};

	memcpy(f.uuid, uuid, sizeof(f.uuid));
	vhd_format_geometry_set(&f, virtual_bytes);
	*ret_footer = f;
}

static uint64_t table_bytes(uint32_t n_entries)
{
	uint64_t n = (uint64_t)n_entries * VHD_MAP_ENTRY_BYTES;

	return (n + VHD_FORMAT_SECTOR_BYTES - 1) / VHD_FORMAT_SECTOR_BYTES *
	       VHD_FORMAT_SECTOR_BYTES;
}

static int write_dynamic(const struct store *store, uint64_t virtual_bytes, uint32_t block_bytes,
			 const uint8_t footer[VHD_FORMAT_FOOTER_BYTES])
{
	struct vhd_header header = {
		.table_offset_byte = TABLE_AT,
		.n_entries = (uint32_t)((virtual_bytes + block_bytes - 1) / block_bytes),
		.block_bytes = block_bytes,
	};
	size_t holes_bytes = (size_t)table_bytes(header.n_entries);
	OWNS_HEAP uint8_t *holes = malloc(holes_bytes);
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	int r = holes ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	memset(holes, 0xff, holes_bytes);
	vhd_format_header_build(&header, raw);
	r = store_write(store, raw, sizeof(raw), HEADER_AT);
	if (r == 0)
		r = store_write(store, holes, holes_bytes, TABLE_AT);
	if (r == 0)
		r = store_write(store, footer, VHD_FORMAT_FOOTER_BYTES, TABLE_AT + holes_bytes);
	if (r == 0) /* last: before it, the file is no VHD */
		r = store_write(store, footer, VHD_FORMAT_FOOTER_BYTES, 0);
	return r;
}

static bool block_size_fits(uint32_t block_bytes)
{
	return block_bytes >= IMAGE_BLOCK_MIN_BYTES && block_bytes <= IMAGE_BLOCK_MAX_BYTES &&
	       (block_bytes & (block_bytes - 1)) == 0;
}

int image_create_blocks(int fd, const struct vhd_footer *like, uint32_t block_bytes,
			struct sector *cipher, struct image **ret_image)
{
	struct vhd_footer footer = *like;
	struct store store = { .fd = fd };
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];
	uint64_t size = vhd_format_virtual_bytes(like, NULL), file_bytes;
	struct vhd_fault fault;
	int r = store_size(&store, &file_bytes);

	if (r == 0 && file_bytes != 0)
		r = -EEXIST;
	footer.header_offset_byte = like->type == VHD_TYPE_FIXED ? UINT64_MAX : HEADER_AT;
	footer.saved_state = 0;
	vhd_format_footer_build(&footer, raw);
	/* what the parser would refuse is not made either */
	if (r == 0 && (like->type == VHD_TYPE_DIFFERENCING || !block_size_fits(block_bytes) ||
		       vhd_format_footer_parse(raw, sizeof(raw), &footer, &fault) < 0))
		r = -EINVAL;
	if (r == 0 && cipher && size % sector_size_bytes(cipher) != 0)
		r = -EINVAL;
	if (r == 0)
		r = like->type == VHD_TYPE_FIXED ? store_write(&store, raw, sizeof(raw), size)
						 : write_dynamic(&store, size, block_bytes, raw);
	if (r == 0)
		r = image_open(fd, IMAGE_READ_WRITE, ret_image, &fault);
	if (r == 0 && cipher)
		r = image_set_cipher(*ret_image, cipher);
	else if (r == 0)
		image_set_plain(*ret_image);
	return r;
}

int image_create(int fd, const struct vhd_footer *like, struct sector *cipher,
		 struct image **ret_image)
{
	return image_create_blocks(fd, like, IMAGE_BLOCK_BYTES, cipher, ret_image);
}
