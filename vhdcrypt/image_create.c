#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/defer.h"
#include "base/util.h"
#include "vhdcrypt/image_state.h"
#include "vhdcrypt/vhd_locator.h"

/* Footer copy, header, block table: one behind the other, as every tool expects them. */
enum {
	HEADER_AT = VHD_FORMAT_FOOTER_BYTES,
	TABLE_AT = HEADER_AT + VHD_FORMAT_HEADER_BYTES,
	NAME_BYTES = 1024, /* for the parent's name: whole sectors */
};

static_assert((int)NAME_BYTES >= (int)VHD_LOCATOR_BUILT_MAX_BYTES, "the longest name fits");

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

/* Header, table of holes, what names the parent (or nothing), both footers. */
static int write_dynamic(const struct store *store, struct vhd_header *header,
			 const void *parent_name, size_t parent_name_bytes,
			 const uint8_t footer[VHD_FORMAT_FOOTER_BYTES])
{
	size_t holes_bytes = (size_t)table_bytes(header->n_entries);
	OWNS_HEAP uint8_t *holes = malloc(holes_bytes);
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	int r = holes ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	memset(holes, 0xff, holes_bytes);
	vhd_format_header_build(header, raw);
	r = store_write(store, raw, sizeof(raw), HEADER_AT);
	if (r == 0)
		r = store_write(store, holes, holes_bytes, TABLE_AT);
	if (r == 0 && parent_name_bytes > 0)
		r = store_write(store, parent_name, parent_name_bytes, TABLE_AT + holes_bytes);
	if (r == 0)
		r = store_write(store, footer, VHD_FORMAT_FOOTER_BYTES,
				TABLE_AT + holes_bytes + parent_name_bytes);
	if (r == 0) /* last: before it, the file is no VHD */
		r = store_write(store, footer, VHD_FORMAT_FOOTER_BYTES, 0);
	return r;
}

static struct vhd_header new_header(uint64_t virtual_bytes, uint32_t block_bytes)
{
	return (struct vhd_header){
		.table_offset_byte = TABLE_AT,
		.n_entries = (uint32_t)((virtual_bytes + block_bytes - 1) / block_bytes),
		.block_bytes = block_bytes,
	};
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
	struct vhd_header header;
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
	header = new_header(size, block_bytes);
	if (r == 0)
		r = like->type == VHD_TYPE_FIXED ? store_write(&store, raw, sizeof(raw), size)
						 : write_dynamic(&store, &header, NULL, 0, raw);
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

/* One locator, relative: an absolute path would tell where its maker keeps things. */
static int name_parent(const char *name, struct vhd_header *header, uint8_t data[NAME_BYTES])
{
	uint64_t at = TABLE_AT + table_bytes(header->n_entries);
	size_t n = 0;
	int r = vhd_locator_header_name_build(name, header->parent_name);

	if (r == 0)
		r = vhd_locator_build(name, data, &n);
	header->locator[0] = (struct vhd_header_locator){ .code = VHD_LOCATOR_W2RU,
							  .space = NAME_BYTES,
							  .len_bytes = (uint32_t)n,
							  .offset_byte = at };
	return r;
}

int image_create_child(int fd, const struct image_info *parent, const char *parent_name,
		       const uint8_t uuid[VHD_FORMAT_UUID_BYTES], uint32_t timestamp_s)
{
	struct vhd_header header = new_header(parent->virtual_bytes, IMAGE_BLOCK_BYTES);
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES], name[NAME_BYTES] = { 0 };
	struct store store = { .fd = fd };
	struct vhd_footer footer;
	uint64_t file_bytes;
	int r = store_size(&store, &file_bytes);

	if (r == 0 && file_bytes != 0)
		r = -EEXIST;
	if (r == 0)
		r = name_parent(parent_name, &header, name);
	if (r < 0)
		return r;
	memcpy(header.parent_uuid, parent->footer.uuid, sizeof(header.parent_uuid));
	header.parent_timestamp_s = parent->footer.timestamp_s;
	image_footer_init(VHD_TYPE_DIFFERENCING, parent->virtual_bytes, uuid, timestamp_s, &footer);
	vhd_format_footer_build(&footer, raw);
	r = write_dynamic(&store, &header, name, sizeof(name), raw);
	return r == 0 ? store_sync(&store) : r;
}
