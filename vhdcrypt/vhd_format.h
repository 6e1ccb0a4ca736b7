/* vhd_format.h - the footer and the dynamic header of a VHD, bytes to values and back.
 *
 * Pure: values in, values out. What is parsed is checked as far as one structure alone can tell;
 * how it fits the file is vhd_map.h's business. All numbers in the file are big-endian.
 * Source: Virtual Hard Disk Image Format Specification 1.0, "Hard Disk Footer Format" and
 * "Dynamic Disk Header Format"; where writers differ from it, doc/formats.md says so. */
#ifndef VHDCRYPT_VHD_FORMAT_H
#define VHDCRYPT_VHD_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_fault.h"

enum {
	VHD_FORMAT_SECTOR_BYTES = 512,
	VHD_FORMAT_FOOTER_BYTES = 512,
	VHD_FORMAT_SHORT_FOOTER_BYTES = 511, /* Virtual PC before 2004 */
	VHD_FORMAT_HEADER_BYTES = 1024,
	VHD_FORMAT_UUID_BYTES = 16,
	VHD_FORMAT_PARENT_NAME_BYTES = 512,
	VHD_FORMAT_N_LOCATORS = 8,
	VHD_FORMAT_COOKIE_BYTES = 8,
};

/* 2040 GiB: what the specification allows; also keeps every sector number within 32 bits. */
#define VHD_FORMAT_MAX_BYTES (UINT64_C(2040) << 30)

enum vhd_type {
	VHD_TYPE_FIXED = 2,
	VHD_TYPE_DYNAMIC = 3,
	VHD_TYPE_DIFFERENCING = 4,
};

/* Every byte of a footer but cookie and checksum, so that build(parse(x)) is x. */
struct vhd_footer {
	uint32_t features;
	uint32_t version;
	uint64_t header_offset_byte; /* UINT64_MAX in a fixed disk */
	uint32_t timestamp_s;	     /* since 2000-01-01 UTC */
	uint8_t creator[4];
	uint32_t creator_version;
	uint8_t creator_os[4];
	uint64_t original_bytes;
	uint64_t current_bytes;
	uint16_t cylinders;
	uint8_t heads;
	uint8_t sectors_per_track;
	enum vhd_type type;
	uint8_t uuid[VHD_FORMAT_UUID_BYTES];
	uint8_t saved_state;
	uint8_t hidden; /* tapdisk's extension: not to be offered to users */
	uint8_t rest[426];
};

/* Where a differencing disk keeps one spelling of its parent's name (vhd_locator.h). */
struct vhd_header_locator {
	uint32_t code;	/* 0: unused */
	uint32_t space; /* for the name: in sectors or bytes, nobody agrees */
	uint32_t len_bytes;
	uint32_t reserved;
	uint64_t offset_byte;
};

/* What is about a parent is zero in a dynamic disk. */
struct vhd_header {
	uint64_t table_offset_byte;
	uint32_t n_entries;
	uint32_t block_bytes;
	uint8_t parent_uuid[VHD_FORMAT_UUID_BYTES];
	uint32_t parent_timestamp_s;			   /* since 2000-01-01 UTC */
	uint8_t parent_name[VHD_FORMAT_PARENT_NAME_BYTES]; /* UTF-16BE, any path */
	struct vhd_header_locator locator[VHD_FORMAT_N_LOCATORS];
};

/* Which of the footer's two sizes is the disk's (see vhd_format_virtual_bytes). */
enum vhd_size_rule { VHD_SIZE_CURRENT, VHD_SIZE_GEOMETRY };

/* True when the bytes begin like a footer; says nothing about the rest. */
bool vhd_format_footer_seen(const void *data, size_t len_bytes);

/* The cookie of a footer is its only part that changes while a conversion in place is unfinished:
 * "v_poison" then, as tapdisk writes it while its journal is in use, so that no tool takes the file
 * for a VHD. True when the bytes begin like that; and the cookie of either state. */
bool vhd_format_footer_poisoned(const void *data, size_t len_bytes);
void vhd_format_cookie_build(bool poisoned, uint8_t ret_data[VHD_FORMAT_COOKIE_BYTES]);

/* Parse a footer of 512 bytes, or of 511 (its last byte counts as zero).
 * -EBADMSG: cookie, version, checksum, type or size is not one we may trust; *ret_fault says which.
 */
int vhd_format_footer_parse(const void *data, size_t len_bytes, struct vhd_footer *ret_footer,
			    struct vhd_fault *ret_fault);

void vhd_format_footer_build(const struct vhd_footer *footer,
			     uint8_t ret_data[VHD_FORMAT_FOOTER_BYTES]);

/* Parse a dynamic header. -EBADMSG as above; also a block size that is not a power of two from
 * 4 KiB to 128 MiB and a table offset that is zero or not on a sector. */
int vhd_format_header_parse(const void *data, size_t len_bytes, struct vhd_header *ret_header,
			    struct vhd_fault *ret_fault);

void vhd_format_header_build(const struct vhd_header *header,
			     uint8_t ret_data[VHD_FORMAT_HEADER_BYTES]);

/* The checksum that goes with the other bytes, whatever they are: for repairs. */
void vhd_format_footer_resum(uint8_t data[VHD_FORMAT_FOOTER_BYTES]);
void vhd_format_header_resum(uint8_t data[VHD_FORMAT_HEADER_BYTES]);

/* Another number of entries in a sound header of any kind, and the checksum that goes with it; both
 * are in its first 512 bytes. */
void vhd_format_header_set_entries(uint8_t data[VHD_FORMAT_HEADER_BYTES], uint32_t n_entries);

/* Size of the disk that a guest sees. Virtual PC and old qemu ("vpc ", "qemu") mean the geometry
 * unless it is the largest there is; everybody else means current_bytes. ret_rule may be NULL. */
uint64_t vhd_format_virtual_bytes(const struct vhd_footer *footer, enum vhd_size_rule *ret_rule);

/* Cylinders, heads and sectors for a size, by the specification's appendix, into the footer. */
void vhd_format_geometry_set(struct vhd_footer *footer, uint64_t virtual_bytes);

/* cylinders * heads * sectors in bytes. */
uint64_t vhd_format_geometry_bytes(const struct vhd_footer *footer);

#endif
