/* vhd_metadata CASE FILE - a sound dynamic VHD of 8 MiB with one invariant broken, every checksum
 * right unless the checksum is the case. Without arguments: the names of all cases, each with what
 * the refusal must name. */
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhdcrypt/vhd_format.h"
#include "vhdcrypt/vhd_map.h"

enum { MIB = 1 << 20, N_BLOCKS = 4, TABLE_AT = 1536, FIRST_ENTRY = 7 };

/* The parts of the file, to be spoiled before they are written. */
struct vhd {
	struct vhd_footer start, end;
	struct vhd_header header;
	uint32_t table[N_BLOCKS];
	uint32_t cut_bytes;	/* off the end of the finished file */
	uint32_t flip_start_at; /* a bit of this byte of the file; 0: none */
	uint32_t flip_end_at;	/* the same, counted from the end footer */
	bool fill_end;		/* 0xc7 over the end footer */
	bool zero_start;
};

/* One member of struct vhd and its new value (the test machines are little-endian). */
struct change {
	size_t at, size;
	uint64_t value;
};

#define SET(member, value)                                                                         \
	{                                                                                          \
		offsetof(struct vhd, member), sizeof(((struct vhd *)0)->member), (value)           \
	}
#define BOTH(member, value) SET(start.member, value), SET(end.member, value)

struct evil {
	const char *name;
	struct change change[4];
	const char *must_say;
};

static const struct evil EVIL[] = {
	{ "block-on-the-footer-copy",
	  { SET(table[1], 0) },
	  "block table: entry 1: 0x0 lies on the footer copy" },
	{ "block-on-the-header",
	  { SET(table[1], 1) },
	  "block table: entry 1: 0x1 lies on the header" },
	{ "block-on-the-table",
	  { SET(table[1], 3) },
	  "block table: entry 1: 0x3 lies on the block table" },
	{ "two-blocks-at-one-place",
	  { SET(table[1], FIRST_ENTRY) },
	  "block table: entry 1: 0x7 shares bytes with another block" },
	{ "two-blocks-share-a-sector",
	  { SET(table[1], FIRST_ENTRY + 4096) },
	  "0x1007 shares bytes with another block" },
	{ "block-past-the-end",
	  { SET(table[1], 0xfffffffe) },
	  "block table: entry 1: 0xfffffffe passes the end of the file" },
	{ "block-on-the-end-footer",
	  { SET(table[2], FIRST_ENTRY + 2 * 4100 + 1) },
	  "block table: entry 2: 0x2010 passes the end" },
	{ "table-at-zero", { SET(header.table_offset_byte, 0) }, "header: block table offset 0x0" },
	{ "table-past-the-end",
	  { SET(header.table_offset_byte, 1ULL << 40) },
	  "number of blocks 0x4 puts the end of the block table" },
	{ "table-between-sectors",
	  { SET(header.table_offset_byte, 1537) },
	  "header: block table offset 0x601" },
	{ "table-in-the-header",
	  { SET(header.table_offset_byte, 1024) },
	  "header: block table offset 0x400 is inside the header" },
	{ "table-of-two-gigabytes",
	  { SET(header.n_entries, 0x1fffffff) },
	  "header: number of blocks 0x1fffffff" },
	{ "table-too-short",
	  { SET(header.n_entries, 3) },
	  "header: number of blocks 0x3 is too small" },
	{ "block-size-0", { SET(header.block_bytes, 0) }, "header: block size 0x0" },
	{ "block-size-511", { SET(header.block_bytes, 511) }, "header: block size 0x1ff" },
	{ "block-size-512", { SET(header.block_bytes, 512) }, "header: block size 0x200" },
	{ "block-size-3-mib", { SET(header.block_bytes, 3 * MIB) }, "header: block size 0x300000" },
	{ "block-size-2-gib",
	  { SET(header.block_bytes, 1u << 31) },
	  "header: block size 0x80000000" },
	{ "size-0", { BOTH(current_bytes, 0) }, "footer: size 0x0" },
	{ "size-that-wraps",
	  { BOTH(current_bytes, UINT64_MAX - 255) },
	  "footer: current size 0xffffffffffffff00" },
	{ "size-of-half-a-sector",
	  { BOTH(current_bytes, 8 * MIB - 1) },
	  "footer: current size 0x7fffff" },
	{ "size-above-2040-gib",
	  { BOTH(current_bytes, 2041ULL << 30) },
	  "footer: size 0x1fe40000000 is above 2040 GiB" },
	{ "size-above-the-table",
	  { BOTH(current_bytes, 9 * MIB) },
	  "header: number of blocks 0x4 is too small" },
	{ "header-is-the-footer", { BOTH(header_offset_byte, 0) }, "footer: data offset 0x0" },
	{ "header-past-the-end",
	  { BOTH(header_offset_byte, 1ULL << 50) },
	  "footer: data offset 0x4000000000000" },
	{ "header-in-the-data", { BOTH(header_offset_byte, 3 * MIB) }, "header: cookie 0x0" },
	{ "type-0", { BOTH(type, 0) }, "footer: disk type 0x0" },
	{ "type-1", { BOTH(type, 1) }, "footer: disk type 0x1" },
	{ "type-5", { BOTH(type, 5) }, "footer: disk type 0x5" },
	{ "type-fixed-with-a-header",
	  { BOTH(type, VHD_TYPE_FIXED), BOTH(header_offset_byte, UINT64_MAX) },
	  "footer: disk type 0x2 is fixed, but" },
	{ "type-fixed-with-an-offset",
	  { BOTH(type, VHD_TYPE_FIXED) },
	  "footer: data offset 0x200 is set" },
	{ "copies-differ-in-size",
	  { SET(end.current_bytes, 8 * MIB + 512) },
	  "footer: current size 0x800200 in the end" },
	{ "copies-differ-in-uuid", { SET(end.uuid[3], 0x5b) }, "footer: UUID 0x" },
	{ "copies-differ-in-offset",
	  { SET(end.header_offset_byte, 1024) },
	  "footer: data offset 0x400 in the end" },
	{ "copies-differ-in-type",
	  { SET(end.type, VHD_TYPE_DIFFERENCING) },
	  "footer: disk type 0x4 in the end" },
	{ "end-footer-lost", { SET(fill_end, true) }, "footer: the one at the end is lost" },
	{ "start-footer-lost", { SET(zero_start, true) }, "footer: the copy at the start is lost" },
	{ "both-footers-lost", { SET(fill_end, true), SET(zero_start, true) }, "file: size 0x" },
	{ "cut-in-a-block",
	  { SET(cut_bytes, MIB) },
	  "block table: entry 2: 0x200f passes the end of the file" },
	{ "start-footer-checksum",
	  { SET(fill_end, true), SET(flip_start_at, 50) },
	  "footer: checksum 0x" },
	{ "end-footer-checksum", { SET(flip_end_at, 50) }, "footer: the one at the end is lost" },
	{ "header-checksum", { SET(flip_start_at, 512 + 900) }, "header: checksum 0x" },
};

static struct vhd sound(void)
{
	struct vhd v = { .header = { .table_offset_byte = TABLE_AT,
				     .n_entries = N_BLOCKS,
				     .block_bytes = 2 * MIB } };

	v.start = (struct vhd_footer){ .features = 2,
				       .version = 0x10000,
				       .header_offset_byte = 512,
				       .creator = { 'w', 'i', 'n', ' ' },
				       .original_bytes = 8 * MIB,
				       .current_bytes = 8 * MIB,
				       .type = VHD_TYPE_DYNAMIC };
	vhd_format_geometry_set(&v.start, 8 * MIB);
	memset(v.start.uuid, 0x5a, sizeof(v.start.uuid));
	v.end = v.start;
	for (unsigned i = 0; i < N_BLOCKS; i++) /* the last one is a hole */
		v.table[i] = i == N_BLOCKS - 1 ? VHD_MAP_HOLE : FIRST_ENTRY + i * 4100;
	return v;
}

static void put(int fd, const void *data, size_t n, off_t at)
{
	if (pwrite(fd, data, n, at) != (ssize_t)n) {
		perror("vhd_metadata");
		exit(1);
	}
}

static void flip(int fd, off_t at)
{
	uint8_t byte = 0;

	if (pread(fd, &byte, 1, at) == 1)
		byte ^= 1;
	put(fd, &byte, 1, at);
}

static void build(int fd, const struct vhd *v)
{
	/* the third block ends where the end footer begins */
	off_t end = (off_t)(FIRST_ENTRY + 2 * 4100) * 512 + 512 + 2 * MIB;
	uint8_t raw[VHD_FORMAT_HEADER_BYTES], lost[512];

	vhd_format_footer_build(&v->start, raw);
	memset(lost, 0, sizeof(lost));
	put(fd, v->zero_start ? lost : raw, 512, 0);
	vhd_format_header_build(&v->header, raw);
	put(fd, raw, sizeof(raw), 512);
	for (unsigned i = 0; i < N_BLOCKS; i++) {
		vhd_map_entry_build(v->table[i], raw);
		put(fd, raw, 4, TABLE_AT + 4 * (off_t)i);
	}
	vhd_format_footer_build(&v->end, raw);
	memset(lost, 0xc7, sizeof(lost));
	put(fd, v->fill_end ? lost : raw, 512, end);
	if (v->flip_start_at)
		flip(fd, v->flip_start_at);
	if (v->flip_end_at)
		flip(fd, end + v->flip_end_at);
	if (v->cut_bytes && ftruncate(fd, end + 512 - v->cut_bytes) < 0)
		exit(1);
}

static void spoil(struct vhd *v, const struct evil *evil)
{
	for (unsigned i = 0; i < 4; i++)
		memcpy((uint8_t *)v + evil->change[i].at, &evil->change[i].value,
		       evil->change[i].size);
}

int main(int argc, char **argv)
{
	size_t n = sizeof(EVIL) / sizeof(EVIL[0]);
	struct vhd v = sound();

	for (size_t i = 0; argc == 1 && i < n; i++)
		printf("%s\t%s\n", EVIL[i].name, EVIL[i].must_say);
	for (size_t i = 0; argc == 3 && i < n; i++)
		if (strcmp(EVIL[i].name, argv[1]) == 0)
			spoil(&v, &EVIL[i]);
	if (argc == 3) {
		int fd = open(argv[2], O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

		if (fd < 0)
			return 1;
		build(fd, &v);
	}
	return argc == 1 || argc == 3 ? 0 : 2;
}
