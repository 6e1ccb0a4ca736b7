/* leaf_mac CASE SEED DIR - change one thing that DIR/leaf.mac vouches for, or of leaf.mac itself, every
 * checksum right; the seed chooses the byte and its value. DIR/leaf.vhd is dynamic and was closed. Without
 * arguments: the names of all cases, each with what the refusal must name. */
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/bytes.h"
#include "vhdcrypt/leaf_mac.h"
#include "vhdcrypt/vhd_format.h"

enum { UNUSED = 0xffffffff, SECTOR = 512, TABLE_MAX = 1024, CHECKSUM_BYTES = 4 };
enum { FOOTER_SUM = 64, HEADER_SUM = 36 };

/* A range of bytes of one structure, one of which changes. */
enum where { FOOTER, HEADER, MAC, DEED };

static struct evil {
	int vhd, mac;
	uint64_t end_byte; /* of the footer there */
	struct vhd_footer footer;
	struct vhd_header header;
	unsigned used[TABLE_MAX], n_used;
} evil;

static void must(bool ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "leaf_mac: %s\n", what);
	exit(1);
}

static void get(int fd, uint64_t at, void *buf, size_t n)
{
	must(pread(fd, buf, n, (off_t)at) == (ssize_t)n, "read");
}

static void put(int fd, uint64_t at, const void *buf, size_t n)
{
	must(pwrite(fd, buf, n, (off_t)at) == (ssize_t)n, "write");
}

static unsigned dice(unsigned below)
{
	return (unsigned)random() % below;
}

static void change(int fd, uint64_t at)
{
	uint8_t byte;

	get(fd, at, &byte, 1);
	byte ^= (uint8_t)(1 + dice(255));
	put(fd, at, &byte, 1);
}

/* The ones' complement of the sum of all other bytes (VHD 1.0, "Checksum"). */
static void mend(uint8_t *raw, size_t n, size_t sum_at)
{
	uint32_t sum = 0;

	memset(raw + sum_at, 0, CHECKSUM_BYTES);
	for (size_t i = 0; i < n; i++)
		sum += raw[i];
	sum = ~sum;
	for (unsigned i = 0; i < CHECKSUM_BYTES; i++)
		raw[sum_at + i] = (uint8_t)(sum >> (24 - 8 * i));
}

static void in_footer(size_t at)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];

	change(evil.vhd, at);
	get(evil.vhd, 0, raw, sizeof(raw));
	mend(raw, sizeof(raw), FOOTER_SUM);
	put(evil.vhd, 0, raw, sizeof(raw));
	put(evil.vhd, evil.end_byte, raw, sizeof(raw));
}

static void in_header(size_t at)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];

	change(evil.vhd, evil.footer.header_offset_byte + at);
	get(evil.vhd, evil.footer.header_offset_byte, raw, sizeof(raw));
	mend(raw, sizeof(raw), HEADER_SUM);
	put(evil.vhd, evil.footer.header_offset_byte, raw, sizeof(raw));
}

static uint64_t entry_at(unsigned block)
{
	return evil.header.table_offset_byte + 4 * (uint64_t)block;
}

static uint32_t entry(unsigned block)
{
	uint8_t raw[4];
	struct bytes b = bytes_of(raw, sizeof(raw));

	get(evil.vhd, entry_at(block), raw, sizeof(raw));
	return bytes_be32(&b);
}

static void open_disk(const char *dir)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_fault fault;
	off_t end;

	must(chdir(dir) == 0, dir);
	evil.vhd = open("leaf.vhd", O_RDWR | O_CLOEXEC);
	evil.mac = open("leaf.mac", O_RDWR | O_CLOEXEC);
	must(evil.vhd >= 0 && evil.mac >= 0, dir);
	end = lseek(evil.vhd, -VHD_FORMAT_FOOTER_BYTES, SEEK_END);
	must(end > 0, "find the end");
	evil.end_byte = (uint64_t)end;
	get(evil.vhd, 0, raw, VHD_FORMAT_FOOTER_BYTES);
	must(vhd_format_footer_parse(raw, VHD_FORMAT_FOOTER_BYTES, &evil.footer, &fault) == 0,
	     "footer");
	get(evil.vhd, evil.footer.header_offset_byte, raw, sizeof(raw));
	must(vhd_format_header_parse(raw, sizeof(raw), &evil.header, &fault) == 0, "header");
	for (unsigned i = 0; i < evil.header.n_entries && i < TABLE_MAX; i++)
		if (entry(i) != UNUSED)
			evil.used[evil.n_used++] = i;
}

/* ---- what is no byte of a structure ---- */

static void hole(void)
{
	const uint32_t unused = UNUSED;

	must(evil.n_used > 0, "no block is in use");
	put(evil.vhd, entry_at(evil.used[dice(evil.n_used)]), &unused, 4);
}

static void exchange(void)
{
	uint8_t a[4], b[4];
	unsigned first = dice(evil.n_used - 1);

	must(evil.n_used > 1, "one block in use");
	get(evil.vhd, entry_at(evil.used[first]), a, 4);
	get(evil.vhd, entry_at(evil.used[first + 1]), b, 4);
	put(evil.vhd, entry_at(evil.used[first]), b, 4);
	put(evil.vhd, entry_at(evil.used[first + 1]), a, 4);
}

static void bitmap(void)
{
	unsigned block = evil.used[dice(evil.n_used)];

	change(evil.vhd, (uint64_t)entry(block) * SECTOR + dice(SECTOR));
}

static void locator(void)
{
	must(evil.header.locator[0].len_bytes > 2, "no locator");
	change(evil.vhd,
	       evil.header.locator[0].offset_byte + 2 * dice(evil.header.locator[0].len_bytes / 2));
}

static void longer(void)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];

	get(evil.vhd, 0, raw, sizeof(raw));
	put(evil.vhd, evil.end_byte + SECTOR * (1 + dice(4096)), raw, sizeof(raw));
}

static void end_gone(void)
{
	uint8_t raw[VHD_FORMAT_FOOTER_BYTES];

	memset(raw, 0xc7, sizeof(raw)); /* as tapdisk fills it while it writes */
	put(evil.vhd, evil.end_byte, raw, sizeof(raw));
}

static void start_gone(void)
{
	const uint8_t raw[VHD_FORMAT_FOOTER_BYTES] = { 0 };

	put(evil.vhd, 0, raw, sizeof(raw));
}

static uint64_t any_pair(void)
{
	off_t end = lseek(evil.mac, 0, SEEK_END);

	must(end > LEAF_MAC_HEAD_ROOM_BYTES, "no tags");
	return leaf_mac_pair_byte(
		dice((unsigned)((end - LEAF_MAC_HEAD_ROOM_BYTES) / LEAF_MAC_PAIR_BYTES)));
}

static void one_tag(void)
{
	change(evil.mac, any_pair() + dice(LEAF_MAC_PAIR_BYTES));
}

static void two_tags(void)
{
	uint64_t at = any_pair();
	uint8_t pair[LEAF_MAC_TAG_BYTES];

	change(evil.mac, at + dice(LEAF_MAC_TAG_BYTES));
	get(evil.mac, at, pair, sizeof(pair));
	put(evil.mac, at + LEAF_MAC_TAG_BYTES, pair, sizeof(pair));
}

static void cut(void)
{
	off_t end = lseek(evil.mac, 0, SEEK_END);

	must(ftruncate(evil.mac, (off_t)dice((unsigned)end)) == 0, "cut");
}

static void dirty(void)
{
	const uint8_t zeros[2 * LEAF_MAC_DIGEST_BYTES] = { 0 }, two = LEAF_MAC_DIRTY;

	put(evil.mac, 15, &two, 1);
	put(evil.mac, 92, zeros, sizeof(zeros)); /* doc/formats.md: table, tags */
}

static void other_sectors(void)
{
	uint8_t raw[4];

	get(evil.mac, 156, raw, sizeof(raw));
	must(raw[2] == 2 || raw[2] == 16, "sectors of 512 or of 4096 bytes");
	raw[2] ^= 2 ^ 16;
	put(evil.mac, 156, raw, sizeof(raw));
}

static const struct {
	const char *name;
	enum where where;
	unsigned at, n;
	void (*deed)(void);
	const char *must_say;
} CASES[] = {
	{ "features", FOOTER, 8, 4, NULL, "footer and header: digest" },
	{ "time", FOOTER, 24, 4, NULL, "footer and header: digest" },
	{ "creators-version", FOOTER, 32, 8, NULL, "footer and header: digest" },
	{ "original-size", FOOTER, 40, 8, NULL, "footer and header: digest" },
	{ "current-size", FOOTER, 48, 8, NULL, "size" },
	{ "geometry", FOOTER, 56, 4, NULL, "footer and header: digest" },
	{ "identity", FOOTER, 68, 16, NULL, "the header of another layer" },
	{ "hidden", FOOTER, 85, 1, NULL, "footer and header: digest" },
	{ "reserved", FOOTER, 86, 425, NULL, "footer and header: digest" },
	{ "parents-identity", HEADER, 40, 16, NULL, "footer and header: digest" },
	{ "parents-time", HEADER, 56, 4, NULL, "footer and header: digest" },
	{ "parents-name", HEADER, 64, 512, NULL, "footer and header: digest" },
	{ "headers-rest", HEADER, 768, 256, NULL, "footer and header: digest" },
	{ "block-taken-out", DEED, 0, 0, hole, "block table: number of allocated blocks" },
	{ "blocks-exchanged", DEED, 0, 0, exchange, "block table: digest" },
	{ "bitmap", DEED, 0, 0, bitmap, "bitmap: of block" },
	{ "file-longer", DEED, 0, 0, longer, "file: size" },
	{ "end-footer", DEED, 0, 0, end_gone, "is gone, and the layer was closed" },
	{ "start-footer", DEED, 0, 0, start_gone, "is gone, and the layer was closed" },
	{ "magic", MAC, 0, 8, NULL, "leaf.mac: magic" },
	{ "version", MAC, 8, 4, NULL, "leaf.mac: version" },
	{ "state", MAC, 12, 4, NULL, "leaf.mac: " },
	{ "layer", MAC, 16, 16, NULL, "leaf.mac: UUID" },
	{ "session", MAC, 32, 8, NULL, "leaf.mac: " },
	{ "size-in-the-mac", MAC, 40, 8, NULL, "leaf.mac: MAC" },
	{ "blocks-in-the-mac", MAC, 48, 4, NULL, "leaf.mac: " },
	{ "bitmap-sectors", MAC, 52, 4, NULL, "leaf.mac: " },
	{ "allocated-in-the-mac", MAC, 56, 4, NULL, "leaf.mac: " },
	{ "fixed-digest", MAC, 60, 32, NULL, "leaf.mac: MAC" },
	{ "table-digest", MAC, 92, 32, NULL, "leaf.mac: MAC" },
	{ "tags-digest", MAC, 124, 32, NULL, "leaf.mac: MAC" },
	{ "no-sector-size", MAC, 156, 2, NULL, "leaf.mac: sector size" },
	{ "other-sector-size", DEED, 0, 0, other_sectors, "leaf.mac: MAC" },
	{ "layers-below", MAC, 160, 32, NULL, "leaf.mac: MAC" },
	{ "macs-reserve", MAC, 192, 288, NULL, "leaf.mac: reserved bytes" },
	{ "mac", MAC, 480, 32, NULL, "leaf.mac: MAC" },
	{ "one-tag", DEED, 0, 0, one_tag, "leaf.mac: tag" },
	{ "two-tags", DEED, 0, 0, two_tags, "leaf.mac: digest of the tags" },
	{ "mac-cut", DEED, 0, 0, cut, "leaf.mac: size" },
	{ "as-if-dirty", DEED, 0, 0, dirty, "leaf.mac: MAC" },
	{ "parents-locator", DEED, 0, 0, locator, "" },
};

static void commit(size_t i)
{
	size_t at = CASES[i].n ? CASES[i].at + dice(CASES[i].n) : 0;

	if (CASES[i].where == FOOTER)
		in_footer(at);
	else if (CASES[i].where == HEADER)
		in_header(at);
	else if (CASES[i].where == MAC)
		change(evil.mac, at);
	else
		CASES[i].deed();
}

int main(int argc, char **argv)
{
	size_t n = sizeof(CASES) / sizeof(CASES[0]);

	for (size_t i = 0; argc == 1 && i < n; i++)
		printf("%s\t%s\n", CASES[i].name, CASES[i].must_say);
	for (size_t i = 0; argc == 4 && i < n; i++) {
		if (strcmp(CASES[i].name, argv[1]) != 0)
			continue;
		srandom((unsigned)strtoul(argv[2], NULL, 10));
		open_disk(argv[3]);
		commit(i);
		return 0;
	}
	return argc == 1 ? 0 : 2;
}
