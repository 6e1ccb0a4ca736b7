#include "vhdcrypt/vhd_format.h"

#include <string.h>

#include "base/bytes.h"
#include "base/util.h"

/* Offsets of the checksum: the one field that does not count into itself. */
enum { FOOTER_SUM_AT = 64, HEADER_SUM_AT = 36 };

static const uint8_t FOOTER_COOKIE[8] = { 'c', 'o', 'n', 'e', 'c', 't', 'i', 'x' };
static const uint8_t POISON_COOKIE[8] = { 'v', '_', 'p', 'o', 'i', 's', 'o', 'n' };
static const uint8_t HEADER_COOKIE[8] = { 'c', 'x', 's', 'p', 'a', 'r', 's', 'e' };

enum { FORMAT_VERSION = 0x00010000 };

/* 65535 cylinders, 16 heads, 255 sectors: "larger than geometry can say", never a size. */
static const uint64_t GEOMETRY_MAX_BYTES = UINT64_C(65535) * 16 * 255 * 512;

static void put_be(uint8_t *at, unsigned n_bytes, uint64_t value)
{
	while (n_bytes-- > 0) {
		at[n_bytes] = (uint8_t)value;
		value >>= 8;
	}
}

/* Ones' complement of the sum of all bytes, the checksum's own four counted as zero. */
static uint32_t checksum(const uint8_t *data, size_t len_bytes, size_t sum_at)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < len_bytes; i++)
		if (i < sum_at || i >= sum_at + 4)
			sum += data[i];
	return ~sum;
}

bool vhd_format_footer_seen(const void *data, size_t len_bytes)
{
	return len_bytes >= sizeof(FOOTER_COOKIE) &&
	       memcmp(data, FOOTER_COOKIE, sizeof(FOOTER_COOKIE)) == 0;
}

bool vhd_format_footer_poisoned(const void *data, size_t len_bytes)
{
	return len_bytes >= sizeof(POISON_COOKIE) &&
	       memcmp(data, POISON_COOKIE, sizeof(POISON_COOKIE)) == 0;
}

void vhd_format_cookie_build(bool poisoned, uint8_t ret_data[VHD_FORMAT_COOKIE_BYTES])
{
	memcpy(ret_data, poisoned ? POISON_COOKIE : FOOTER_COOKIE, VHD_FORMAT_COOKIE_BYTES);
}

/* The fields, in the order of the file; returns the stored checksum and type as they are. */
static void read_footer(struct bytes *b, struct vhd_footer *f, uint32_t *sum, uint32_t *type)
{
	f->features = bytes_be32(b);
	f->version = bytes_be32(b);
	f->header_offset_byte = bytes_be64(b);
	f->timestamp_s = bytes_be32(b);
	bytes_copy(b, f->creator, sizeof(f->creator));
	f->creator_version = bytes_be32(b);
	bytes_copy(b, f->creator_os, sizeof(f->creator_os));
	f->original_bytes = bytes_be64(b);
	f->current_bytes = bytes_be64(b);
	f->cylinders = bytes_be16(b);
	f->heads = bytes_u8(b);
	f->sectors_per_track = bytes_u8(b);
	*type = bytes_be32(b);
	*sum = bytes_be32(b);
	bytes_copy(b, f->uuid, sizeof(f->uuid));
	f->saved_state = bytes_u8(b);
	f->hidden = bytes_u8(b);
	bytes_copy(b, f->rest, sizeof(f->rest));
}

static int check_footer(const struct vhd_footer *f, struct vhd_fault *ret_fault)
{
	uint64_t size = vhd_format_virtual_bytes(f, NULL);

	if (f->version != FORMAT_VERSION)
		return vhd_fault_set(ret_fault, "footer", "format version", f->version,
				     "is not 0x10000");
	if (f->current_bytes % VHD_FORMAT_SECTOR_BYTES != 0)
		return vhd_fault_set(ret_fault, "footer", "current size", f->current_bytes,
				     "is not a multiple of 512");
	if (size == 0)
		return vhd_fault_set(ret_fault, "footer", "size", size, "is not that of any disk");
	if (size > VHD_FORMAT_MAX_BYTES)
		return vhd_fault_set(ret_fault, "footer", "size", size, "is above 2040 GiB");
	if (f->type == VHD_TYPE_FIXED && f->header_offset_byte != UINT64_MAX)
		return vhd_fault_set(ret_fault, "footer", "data offset", f->header_offset_byte,
				     "is set, but the type says fixed");
	if (f->type != VHD_TYPE_FIXED && f->header_offset_byte == UINT64_MAX)
		return vhd_fault_set(ret_fault, "footer", "data offset", f->header_offset_byte,
				     "is unset, but the type says dynamic");
	if (f->header_offset_byte < VHD_FORMAT_FOOTER_BYTES)
		return vhd_fault_set(ret_fault, "footer", "data offset", f->header_offset_byte,
				     "is inside the footer copy");
	return 0;
}

int vhd_format_footer_parse(const void *data, size_t len_bytes, struct vhd_footer *ret_footer,
			    struct vhd_fault *ret_fault)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES] = { 0 };
	struct bytes b = bytes_of(raw, sizeof(raw));
	struct vhd_footer f;
	uint32_t sum, type;
	int r;

	if (len_bytes != VHD_FORMAT_FOOTER_BYTES && len_bytes != VHD_FORMAT_SHORT_FOOTER_BYTES)
		return vhd_fault_set(ret_fault, "footer", "length", len_bytes, "is not 512 or 511");
	memcpy(raw, data, len_bytes);
	if (!vhd_format_footer_seen(raw, sizeof(raw))) {
		uint64_t cookie = bytes_be64(&b);

		return vhd_fault_set(ret_fault, "footer", "cookie", cookie, "is not 'conectix'");
	}
	(void)bytes_take(&b, sizeof(FOOTER_COOKIE));
	read_footer(&b, &f, &sum, &type);
	if (sum != checksum(raw, sizeof(raw), FOOTER_SUM_AT))
		return vhd_fault_set(ret_fault, "footer", "checksum", sum,
				     "does not match the bytes");
	if (type < VHD_TYPE_FIXED || type > VHD_TYPE_DIFFERENCING)
		return vhd_fault_set(ret_fault, "footer", "disk type", type,
				     "is not fixed, dynamic or differencing");
	f.type = (enum vhd_type)type;
	r = check_footer(&f, ret_fault);
	if (r < 0)
		return r;
	*ret_footer = f;
	return 0;
}

void vhd_format_footer_build(const struct vhd_footer *f, uint8_t ret_data[VHD_FORMAT_FOOTER_BYTES])
{
	uint8_t *d = ret_data;

	memcpy(d, FOOTER_COOKIE, sizeof(FOOTER_COOKIE));
	put_be(d + 8, 4, f->features);
	put_be(d + 12, 4, f->version);
	put_be(d + 16, 8, f->header_offset_byte);
	put_be(d + 24, 4, f->timestamp_s);
	memcpy(d + 28, f->creator, sizeof(f->creator));
	put_be(d + 32, 4, f->creator_version);
	memcpy(d + 36, f->creator_os, sizeof(f->creator_os));
	put_be(d + 40, 8, f->original_bytes);
	put_be(d + 48, 8, f->current_bytes);
	put_be(d + 56, 2, f->cylinders);
	d[58] = f->heads;
	d[59] = f->sectors_per_track;
	put_be(d + 60, 4, f->type);
	memcpy(d + 68, f->uuid, sizeof(f->uuid));
	d[84] = f->saved_state;
	d[85] = f->hidden;
	memcpy(d + 86, f->rest, sizeof(f->rest));
	put_be(d + FOOTER_SUM_AT, 4, checksum(d, VHD_FORMAT_FOOTER_BYTES, FOOTER_SUM_AT));
}

static void read_parent(struct bytes *b, struct vhd_header *h)
{
	bytes_copy(b, h->parent_uuid, sizeof(h->parent_uuid));
	h->parent_timestamp_s = bytes_be32(b);
	(void)bytes_be32(b); /* reserved */
	bytes_copy(b, h->parent_name, sizeof(h->parent_name));
	for (unsigned i = 0; i < VHD_FORMAT_N_LOCATORS; i++) {
		h->locator[i].code = bytes_be32(b);
		h->locator[i].space = bytes_be32(b);
		h->locator[i].len_bytes = bytes_be32(b);
		h->locator[i].reserved = bytes_be32(b);
		h->locator[i].offset_byte = bytes_be64(b);
	}
}

static void put_parent(const struct vhd_header *h, uint8_t *d)
{
	memcpy(d + 40, h->parent_uuid, sizeof(h->parent_uuid));
	put_be(d + 56, 4, h->parent_timestamp_s);
	memcpy(d + 64, h->parent_name, sizeof(h->parent_name));
	d += 576;
	for (unsigned i = 0; i < VHD_FORMAT_N_LOCATORS; i++, d += 24) {
		put_be(d, 4, h->locator[i].code);
		put_be(d + 4, 4, h->locator[i].space);
		put_be(d + 8, 4, h->locator[i].len_bytes);
		put_be(d + 12, 4, h->locator[i].reserved);
		put_be(d + 16, 8, h->locator[i].offset_byte);
	}
}

int vhd_format_header_parse(const void *data, size_t len_bytes, struct vhd_header *ret_header,
			    struct vhd_fault *ret_fault)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct vhd_header h;
	uint32_t version, sum;

	if (len_bytes != VHD_FORMAT_HEADER_BYTES)
		return vhd_fault_set(ret_fault, "header", "length", len_bytes, "is not 1024");
	if (memcmp(data, HEADER_COOKIE, sizeof(HEADER_COOKIE)) != 0)
		return vhd_fault_set(ret_fault, "header", "cookie", bytes_be64(&b),
				     "is not 'cxsparse'");
	(void)bytes_take(&b, 16); /* cookie, and the offset of a next structure: none is defined */
	h.table_offset_byte = bytes_be64(&b);
	version = bytes_be32(&b);
	h.n_entries = bytes_be32(&b);
	h.block_bytes = bytes_be32(&b);
	sum = bytes_be32(&b);
	read_parent(&b, &h);
	if (sum != checksum(data, len_bytes, HEADER_SUM_AT))
		return vhd_fault_set(ret_fault, "header", "checksum", sum,
				     "does not match the bytes");
	if (version != FORMAT_VERSION)
		return vhd_fault_set(ret_fault, "header", "format version", version,
				     "is not 0x10000");
	/* bitmaps are kept in runs of 4 KiB; 128 MiB bounds what one bitmap costs in memory */
	if (h.block_bytes < 4096 || h.block_bytes > 128u << 20 ||
	    (h.block_bytes & (h.block_bytes - 1)) != 0)
		return vhd_fault_set(ret_fault, "header", "block size", h.block_bytes,
				     "is not a power of two from 4 KiB to 128 MiB");
	if (h.table_offset_byte == 0 || h.table_offset_byte % VHD_FORMAT_SECTOR_BYTES != 0)
		return vhd_fault_set(ret_fault, "header", "block table offset", h.table_offset_byte,
				     "is not the start of a sector after the first");
	*ret_header = h;
	return 0;
}

void vhd_format_header_build(const struct vhd_header *h, uint8_t ret_data[VHD_FORMAT_HEADER_BYTES])
{
	uint8_t *d = ret_data;

	memset(d, 0, VHD_FORMAT_HEADER_BYTES);
	memcpy(d, HEADER_COOKIE, sizeof(HEADER_COOKIE));
	put_be(d + 8, 8, UINT64_MAX);
	put_be(d + 16, 8, h->table_offset_byte);
	put_be(d + 24, 4, FORMAT_VERSION);
	put_be(d + 28, 4, h->n_entries);
	put_be(d + 32, 4, h->block_bytes);
	put_parent(h, d);
	put_be(d + HEADER_SUM_AT, 4, checksum(d, VHD_FORMAT_HEADER_BYTES, HEADER_SUM_AT));
}

void vhd_format_footer_resum(uint8_t data[VHD_FORMAT_FOOTER_BYTES])
{
	put_be(data + FOOTER_SUM_AT, 4, checksum(data, VHD_FORMAT_FOOTER_BYTES, FOOTER_SUM_AT));
}

void vhd_format_header_resum(uint8_t data[VHD_FORMAT_HEADER_BYTES])
{
	put_be(data + HEADER_SUM_AT, 4, checksum(data, VHD_FORMAT_HEADER_BYTES, HEADER_SUM_AT));
}

void vhd_format_header_set_entries(uint8_t data[VHD_FORMAT_HEADER_BYTES], uint32_t n_entries)
{
	put_be(data + 28, 4, n_entries);
	vhd_format_header_resum(data);
}

uint64_t vhd_format_geometry_bytes(const struct vhd_footer *f)
{
	return (uint64_t)f->cylinders * f->heads * f->sectors_per_track * VHD_FORMAT_SECTOR_BYTES;
}

uint64_t vhd_format_virtual_bytes(const struct vhd_footer *f, enum vhd_size_rule *ret_rule)
{
	uint64_t geometry = vhd_format_geometry_bytes(f);
	bool by_geometry =
		(memcmp(f->creator, "vpc ", 4) == 0 || memcmp(f->creator, "qemu", 4) == 0) &&
		geometry != GEOMETRY_MAX_BYTES;

	if (ret_rule)
		*ret_rule = by_geometry ? VHD_SIZE_GEOMETRY : VHD_SIZE_CURRENT;
	return by_geometry ? geometry : f->current_bytes;
}

/* Appendix "CHS Calculation". */
void vhd_format_geometry_set(struct vhd_footer *f, uint64_t virtual_bytes)
{
	static const struct {
		uint8_t sectors, heads;
	} step[] = { { 17, 4 }, { 31, 16 }, { 63, 16 } };
	uint64_t n = MIN(virtual_bytes / VHD_FORMAT_SECTOR_BYTES, UINT64_C(65535) * 16 * 255);
	uint64_t tracks = n / 17;
	uint64_t heads = (tracks + 1023) / 1024, sectors = 17;

	if (n >= UINT64_C(65535) * 16 * 63) {
		sectors = 255;
		heads = 16;
		tracks = n / sectors;
	} else {
		heads = heads < step[0].heads ? step[0].heads : heads;
		for (size_t i = 1; i < ARRAY_LEN(step) && (tracks >= heads * 1024 || heads > 16);
		     i++) {
			sectors = step[i].sectors;
			heads = step[i].heads;
			tracks = n / sectors;
		}
	}
	f->cylinders = (uint16_t)(tracks / heads);
	f->heads = (uint8_t)heads;
	f->sectors_per_track = (uint8_t)sectors;
}
