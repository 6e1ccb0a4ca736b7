/* vhd_parent CASE IMAGE [TREE] - change one thing of a dynamic image that others rest upon, every checksum
 * right, so that only a hash over all of it can tell; with TREE, that hash tree is made anew to fit.
 * Without arguments: the names of all cases. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "vhdcrypt/hash_tree.h"
#include "vhdcrypt/vhd_format.h"

enum { BLOCK_MAX = 1024, UNUSED = 0xffffffff, BITMAP_BYTES = 512, SECTOR_BYTES = 512 };

static struct evil {
	int fd;
	uint64_t end_byte; /* where the footer at the end is */
	struct vhd_footer footer;
	struct vhd_header header;
	unsigned used[BLOCK_MAX]; /* the blocks that have a place in the file */
	unsigned n_used;
} evil;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "vhd_parent: %s\n", what);
	exit(1);
}

static void get(uint64_t at, void *buf, size_t n)
{
	must(pread(evil.fd, buf, n, (off_t)at) == (ssize_t)n, "read");
}

static void put(uint64_t at, const void *buf, size_t n)
{
	must(pwrite(evil.fd, buf, n, (off_t)at) == (ssize_t)n, "write");
}

static uint64_t entry_at(unsigned block)
{
	return evil.header.table_offset_byte + 4 * (uint64_t)block;
}

static uint32_t entry(unsigned block)
{
	uint8_t raw[4];
	struct bytes b = bytes_of(raw, sizeof(raw));

	get(entry_at(block), raw, sizeof(raw));
	return bytes_be32(&b);
}

static void set_entry(unsigned block, uint32_t sector)
{
	const uint8_t raw[4] = { (uint8_t)(sector >> 24), (uint8_t)(sector >> 16),
				 (uint8_t)(sector >> 8), (uint8_t)sector };

	put(entry_at(block), raw, sizeof(raw));
}

static uint64_t bitmap_of(unsigned nth)
{
	must(nth < evil.n_used, "too few blocks are in use");
	return (uint64_t)entry(evil.used[nth]) * SECTOR_BYTES;
}

/* The first sector of a block that holds anything. */
static unsigned first_bit(unsigned nth)
{
	uint8_t bitmap[BITMAP_BYTES];
	unsigned bit = 0;

	get(bitmap_of(nth), bitmap, sizeof(bitmap));
	while (bit < 8 * BITMAP_BYTES && !(bitmap[bit / 8] & 0x80 >> bit % 8))
		bit++;
	must(bit < 8 * BITMAP_BYTES, "a block without data");
	return bit;
}

static uint64_t data_of(unsigned nth)
{
	return bitmap_of(nth) + BITMAP_BYTES + (uint64_t)first_bit(nth) * SECTOR_BYTES;
}

static void open_image(const char *path)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_fault fault;
	off_t end;

	evil.fd = open(path, O_RDWR | O_CLOEXEC);
	must(evil.fd >= 0, path);
	end = lseek(evil.fd, -VHD_FORMAT_FOOTER_BYTES, SEEK_END);
	must(end > 0, "find the end");
	evil.end_byte = (uint64_t)end;
	get(evil.end_byte, raw, VHD_FORMAT_FOOTER_BYTES);
	must(vhd_format_footer_parse(raw, VHD_FORMAT_FOOTER_BYTES, &evil.footer, &fault) == 0,
	     "footer");
	get(evil.footer.header_offset_byte, raw, sizeof(raw));
	must(vhd_format_header_parse(raw, sizeof(raw), &evil.header, &fault) == 0, "header");
	for (unsigned i = 0; i < evil.header.n_entries && i < BLOCK_MAX; i++)
		if (entry(i) != UNUSED)
			evil.used[evil.n_used++] = i;
}

static void set_footer(void)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];

	vhd_format_footer_build(&evil.footer, raw);
	put(0, raw, sizeof(raw));
	put(evil.end_byte, raw, sizeof(raw));
}

static void later(void)
{
	evil.footer.timestamp_s++;
	set_footer();
}

static void shorter(void)
{
	evil.footer.current_bytes -= evil.header.block_bytes;
	set_footer();
}

static void bits(uint8_t value)
{
	uint8_t bitmap[BITMAP_BYTES];

	memset(bitmap, value, sizeof(bitmap));
	for (unsigned i = 0; i < evil.n_used; i++)
		put(bitmap_of(i), bitmap, sizeof(bitmap));
}

static void bits_cleared(void)
{
	bits(0);
}

static void bits_set(void)
{
	bits(0xff);
}

static void one_bit_cleared(void)
{
	unsigned bit = first_bit(0);
	uint8_t byte;

	get(bitmap_of(0) + bit / 8, &byte, 1);
	byte &= (uint8_t) ~(0x80 >> bit % 8);
	put(bitmap_of(0) + bit / 8, &byte, 1);
}

static void exchanged(void)
{
	uint32_t first = entry(evil.used[0]);

	must(evil.n_used > 1, "one block in use");
	set_entry(evil.used[0], entry(evil.used[1]));
	set_entry(evil.used[1], first);
}

static void forgotten(void)
{
	set_entry(evil.used[0], UNUSED);
}

static void one_bit_of_data(void)
{
	uint64_t at = data_of(evil.n_used / 2);
	uint8_t byte;

	get(at, &byte, 1);
	byte ^= 1;
	put(at, &byte, 1);
}

/* As a program does that knows nothing of who rests upon this image. */
static void written_to(void)
{
	uint8_t sector[SECTOR_BYTES];

	memset(sector, 0xee, sizeof(sector));
	put(data_of(0), sector, sizeof(sector));
	later();
}

static void grown(void)
{
	uint8_t block[BITMAP_BYTES] = { 0xff };
	unsigned i = 0;

	while (i < evil.header.n_entries && entry(i) != UNUSED)
		i++;
	must(i < evil.header.n_entries, "every block is in use");
	put(evil.end_byte, block, sizeof(block));
	set_entry(i, (uint32_t)(evil.end_byte / SECTOR_BYTES));
	evil.end_byte += BITMAP_BYTES + evil.header.block_bytes;
	set_footer();
}

static const struct {
	const char *name;
	void (*change)(void);
} CASES[] = {
	{ "footer-of-another-time", later },
	{ "disk-is-shorter", shorter },
	{ "bits-cleared", bits_cleared },
	{ "bits-set", bits_set },
	{ "one-bit-cleared", one_bit_cleared },
	{ "blocks-exchanged", exchanged },
	{ "block-forgotten", forgotten },
	{ "one-bit-of-data", one_bit_of_data },
	{ "written-by-another-program", written_to },
	{ "grown-by-another-program", grown },
};

static void make_tree(const char *path)
{
	uint8_t root[HASH_TREE_BYTES];
	int fd = open(path, O_RDWR | O_TRUNC | O_CLOEXEC);

	must(fd >= 0 && hash_tree_build(evil.fd, fd, root) == 0, path);
	close(fd);
}

int main(int argc, char **argv)
{
	size_t n = sizeof(CASES) / sizeof(CASES[0]);

	for (size_t i = 0; argc == 1 && i < n; i++)
		puts(CASES[i].name);
	for (size_t i = 0; argc >= 3 && i < n; i++) {
		if (strcmp(CASES[i].name, argv[1]) != 0)
			continue;
		open_image(argv[2]);
		CASES[i].change();
		if (argc == 4)
			make_tree(argv[3]);
		return 0;
	}
	return argc == 1 ? 0 : 2;
}
