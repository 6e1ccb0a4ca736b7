/* vhd_map.h - where a dynamic disk keeps its blocks, and which sectors of a block are written.
 *
 * Pure: works on values and on memory of the caller. Two things are mapped: a block to the file
 * by the block table (BAT), and a sector to "written" or "hole" by the bitmap before each block.
 * Source: Virtual Hard Disk Image Format Specification 1.0, "Block Allocation Table and Data
 * Blocks". */
#ifndef VHDCRYPT_VHD_MAP_H
#define VHDCRYPT_VHD_MAP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_format.h"

#define VHD_MAP_HOLE UINT32_MAX /* in the block table: not allocated */

enum {
	VHD_MAP_ENTRY_BYTES = 4,
	/* Bitmaps change in runs of eight sectors: libvhdi misreads odd runs, and 4 KiB is what
	 * guests write. */
	VHD_MAP_RUN_SECTORS = 8,
	VHD_MAP_RUN_BYTES = 4096,
	/* 512 KiB blocks at 2040 GiB: bounds the memory and time that a table may cost. */
	VHD_MAP_BLOCKS_MAX = 1 << 22,
};

/* Bytes that blocks must not touch, beside footer copy, header and table. */
struct vhd_map_range {
	uint64_t offset_byte;
	uint64_t len_bytes;
	const char *what; /* "lies on the name of the parent" */
};

struct vhd_map {
	uint64_t virtual_bytes;
	uint64_t header_offset_byte;
	uint64_t table_offset_byte;
	uint64_t table_bytes; /* reserved for the table, unused entries included */
	uint32_t block_bytes;
	uint32_t bitmap_bytes;				      /* whole sectors */
	uint32_t n_blocks;				      /* entries that matter */
	struct vhd_map_range kept[VHD_FORMAT_N_LOCATORS + 2]; /* parent locators, batmap */
	uint32_t n_kept;
};

/* How header and block table fit a disk of virtual_bytes in a file of file_bytes.
 * -EBADMSG: they overlap each other or the footer copy, pass the end of the file, or the table is
 * too short for the disk or larger than VHD_MAP_BLOCKS_MAX. */
int vhd_map_init(uint64_t virtual_bytes, uint64_t header_offset_byte,
		 const struct vhd_header *header, uint64_t file_bytes, struct vhd_map *ret_map,
		 struct vhd_fault *ret_fault);

/* Keep a range from being taken for blocks. -EBADMSG: it lies on the footer copy, the header, the
 * table or another such range. what: static, "lies on ...". */
int vhd_map_keep(struct vhd_map *map, uint64_t offset_byte, uint64_t len_bytes, const char *what);

/* Keep the names of the parent from being taken for blocks. -EBADMSG: one is not in the file, or
 * lies on the footer copy, the header or the table. */
int vhd_map_keep_locators(const struct vhd_header *header, uint64_t file_bytes, struct vhd_map *map,
			  struct vhd_fault *ret_fault);

/* n entries from the file (big-endian) to ret_table; and one entry back. */
void vhd_map_table_parse(const void *data, size_t n, uint32_t *ret_table);
void vhd_map_entry_build(uint32_t entry, uint8_t ret_data[VHD_MAP_ENTRY_BYTES]);

/* Every allocated block lies below end_byte and shares no byte with the footer copy, the header,
 * the table or another block; else -EBADMSG and the entry in *ret_fault. scratch: map->n_blocks
 * entries of the caller's, overwritten. */
int vhd_map_table_check(const struct vhd_map *map, const uint32_t *table, uint64_t end_byte,
			uint32_t *scratch, struct vhd_fault *ret_fault);

/* First byte behind everything that the map knows of. */
uint64_t vhd_map_end_byte(const struct vhd_map *map, const uint32_t *table);

/* Entry for a new block at or after from_byte, its data on a 4 KiB border.
 * -EFBIG: beyond what 32 bits of sectors can say. */
int vhd_map_place(const struct vhd_map *map, uint64_t from_byte, uint32_t *ret_entry);

/* Bytes of block i: all but the last have block_bytes. */
uint32_t vhd_map_block_len_bytes(const struct vhd_map *map, uint32_t block);

static inline uint64_t vhd_map_bitmap_byte(uint32_t entry)
{
	return (uint64_t)entry * VHD_FORMAT_SECTOR_BYTES;
}

static inline uint64_t vhd_map_data_byte(const struct vhd_map *map, uint32_t entry)
{
	return vhd_map_bitmap_byte(entry) + map->bitmap_bytes;
}

/* Bytes of bitmap and data together. */
static inline uint64_t vhd_map_span_bytes(const struct vhd_map *map)
{
	return (uint64_t)map->bitmap_bytes + map->block_bytes;
}

/* Bit i, most significant first, is set: the sector was written. */
bool vhd_map_bit(const uint8_t *bitmap, uint32_t sector);

/* Sets (or clears) n bits from first. */
void vhd_map_bits_put(uint8_t *bitmap, uint32_t first, uint32_t n, bool value);

/* How many sectors from first on, at most max (> 0), share first's value, which *ret_value gets. */
uint32_t vhd_map_bits_run(const uint8_t *bitmap, uint32_t first, uint32_t max, bool *ret_value);

#endif
