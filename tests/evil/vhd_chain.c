/* vhd_chain CASE FOLDER - leaf.vhd and what it names as its parents, with one thing wrong and every
 * checksum right. Without arguments: the names of all cases, each with the exit status and what the
 * refusal must name. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhdcrypt/image.h"
#include "vhdcrypt/vhd_locator.h"

enum { MIB = 1 << 20, HEADER_AT = 512, LEAF = 0x1e, BASE = 0xba, OTHER = 0x07, DEEP = 1000 };

static const uint32_t W2RU = VHD_LOCATOR_W2RU, W2KU = VHD_LOCATOR_W2KU, MACX = VHD_LOCATOR_MACX;

/* A UTF-16LE or UTF-8 locator of leaf.vhd in place of its right one. */
struct evil {
	const char *name;
	const char *text; /* as ASCII; NULL: special() makes the case */
	const uint32_t *code;
	int status;
	const char *must_say;
};

static const struct evil EVIL[] = {
	{ "is-its-own-parent", NULL, NULL, 4, "/leaf.vhd': footer: UUID 1e1e1e1e" },
	{ "cycle-of-two", NULL, NULL, 4, "/leaf.vhd': footer: UUID 1e1e1e1e" },
	{ "thousand-layers", NULL, NULL, 4, "/leaf.vhd': chain: number of layers 65 is above 64" },
	{ "another-disk-of-the-same-name", NULL, NULL, 4, "header: parent UUID babababa" },
	{ "parent-is-larger", NULL, NULL, 4, "footer: size 0x100000 is smaller than the parent's" },
	{ "parent-is-a-symbolic-link", NULL, NULL, 4, "/base.vhd': is a symbolic link" },
	{ "parent-is-a-pipe", NULL, NULL, 1, "/base.vhd': Invalid argument" },
	{ "parent-is-gone", NULL, NULL, 1, "its parent 'base.vhd' is not in folder '" },
	{ "parent-is-no-vhd", NULL, NULL, 4, "/base.vhd': file: size 0x" },
	{ "name-of-4-gigabytes", NULL, NULL, 4,
	  "header: data length of locator 0: 0xfffffff0 is more than the locator has space for" },
	{ "name-behind-the-file", NULL, NULL, 4,
	  "header: data offset of locator 0: 0x40000000000" },
	{ "name-on-the-table", NULL, NULL, 4, "header: data offset of locator 0: 0x600" },
	{ "block-on-the-name", NULL, NULL, 4, "entry 0: 0x4 lies on the name of the parent" },
	{ "half-a-character", NULL, NULL, 4, "parent name: byte of W2ru 0x2 is not in the enc" },
	{ "surrogate-alone", NULL, NULL, 4, "parent name: byte of W2ru 0x0 is not in the enc" },
	{ "upwards", "..\\..\\etc\\passwd", &W2RU, 4,
	  "byte of W2ru 0x4 is in a path that leads up" },
	{ "down", "sub\\base.vhd", &W2RU, 4, "byte of W2ru 0x18 is the end of a path out of" },
	{ "absolute-upwards", "C:\\a\\..\\b.vhd", &W2KU, 4, "byte of W2ku 0xe is in a path that" },
	{ "device", "\\\\.\\PhysicalDrive0", &W2KU, 4, "byte of W2ku 0x6 is in the path of a dev" },
	{ "line-break", "base\n.vhd", &W2RU, 4, "byte of W2ru 0x8 is no character of a file name" },
	{ "url-of-another-host", "file://evil/base.vhd", &MACX, 4,
	  "byte of MacX 0xd is the end of" },
	{ "url-upwards", "file:///../base.vhd", &MACX, 4,
	  "byte of MacX 0x3 is in a path that leads" },
	{ "absolute-elsewhere", "/etc/passwd", &W2KU, 1, "its parent 'passwd' is not in folder '" },
};

static void must(int r, const char *what)
{
	if (r >= 0)
		return;
	fprintf(stderr, "vhd_chain: %s\n", what);
	exit(1);
}

static void uuid_of(unsigned i, uint8_t ret[VHD_FORMAT_UUID_BYTES])
{
	memset(ret, (int)(i & 0xff), VHD_FORMAT_UUID_BYTES);
	ret[14] = (uint8_t)(i >> 8);
}

static int create(const char *name)
{
	int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0644);

	must(fd, name);
	return fd;
}

static void base(const char *name, unsigned uuid, uint64_t size)
{
	uint8_t id[VHD_FORMAT_UUID_BYTES];
	struct vhd_footer like;
	struct image *image;
	int fd = create(name);

	uuid_of(uuid, id);
	image_footer_init(VHD_TYPE_DYNAMIC, size, id, 0, &like);
	must(image_create(fd, &like, NULL, &image), name);
	must(image_close(image), name);
	close(fd);
}

static int child(const char *name, unsigned uuid, const char *parent, unsigned parent_uuid)
{
	struct image_info like = { .virtual_bytes = MIB };
	uint8_t id[VHD_FORMAT_UUID_BYTES];
	int fd = create(name);

	uuid_of(parent_uuid, like.footer.uuid);
	uuid_of(uuid, id);
	must(image_create_child(fd, &like, parent, id, 0), name);
	return fd;
}

static struct vhd_header header_of(int fd)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];
	struct vhd_header h;
	struct vhd_fault fault;

	must(pread(fd, raw, sizeof(raw), HEADER_AT) == sizeof(raw) ? 0 : -1, "read header");
	must(vhd_format_header_parse(raw, sizeof(raw), &h, &fault), "parse header");
	return h;
}

static void set_header(int fd, const struct vhd_header *h)
{
	uint8_t raw[VHD_FORMAT_HEADER_BYTES];

	vhd_format_header_build(h, raw);
	must(pwrite(fd, raw, sizeof(raw), HEADER_AT) == sizeof(raw) ? 0 : -1, "write header");
}

/* The only name that the leaf has for its parent. */
static void name_it(int fd, uint32_t code, const void *data, size_t n)
{
	struct vhd_header h = header_of(fd);

	memset(h.parent_name, 0, sizeof(h.parent_name));
	h.locator[0].code = code;
	h.locator[0].len_bytes = (uint32_t)n;
	set_header(fd, &h);
	must(pwrite(fd, data, n, (off_t)h.locator[0].offset_byte) == (ssize_t)n ? 0 : -1, "name");
}

static void name_text(int fd, uint32_t code, const char *text)
{
	uint8_t wide[256] = { 0 };
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++)
		wide[2 * i] = (uint8_t)text[i];
	if (code == MACX)
		name_it(fd, code, text, n);
	else
		name_it(fd, code, wide, 2 * n);
}

static void thousand_layers(void)
{
	char name[16] = "leaf.vhd", next[16];

	for (unsigned i = 0; i < DEEP; i++) {
		(void)snprintf(next, sizeof(next), "%u.vhd", i);
		close(child(name, i, next, i + 1));
		memcpy(name, next, sizeof(name));
	}
	base(name, DEEP, MIB);
}

/* What is wrong with the leaf's header or file, beside a right base. */
static void spoil(int fd, const char *name)
{
	static const uint8_t half[] = { 'b', 0, 'a' }, alone[] = { 0, 0xd8, 'a', 0 };
	struct vhd_header h = header_of(fd);
	static const uint8_t entry[] = { 0, 0, 0, 4 };

	if (strcmp(name, "name-of-4-gigabytes") == 0)
		h.locator[0].len_bytes = 0xfffffff0;
	else if (strcmp(name, "name-behind-the-file") == 0)
		h.locator[0].offset_byte = UINT64_C(1) << 42;
	else if (strcmp(name, "name-on-the-table") == 0)
		h.locator[0].offset_byte = h.table_offset_byte;
	set_header(fd, &h);
	if (strcmp(name, "half-a-character") == 0)
		name_it(fd, W2RU, half, sizeof(half));
	else if (strcmp(name, "surrogate-alone") == 0)
		name_it(fd, W2RU, alone, sizeof(alone));
	else if (strcmp(name, "block-on-the-name") == 0) {
		off_t end = lseek(fd, 0, SEEK_END);
		uint8_t footer[512];

		must(pread(fd, footer, 512, 0) == 512 ? 0 : -1, "footer");
		must(pwrite(fd, entry, 4, (off_t)h.table_offset_byte) == 4 ? 0 : -1, "table");
		must(pwrite(fd, footer, 512, end + 4 * MIB) == 512 ? 0 : -1, "footer");
	}
}

static void build(const struct evil *e)
{
	bool own = strcmp(e->name, "is-its-own-parent") == 0;
	bool cycle = strcmp(e->name, "cycle-of-two") == 0;
	int fd;

	if (strcmp(e->name, "thousand-layers") == 0) {
		thousand_layers();
		return;
	}
	fd = child("leaf.vhd", LEAF, own ? "leaf.vhd" : "base.vhd", own ? LEAF : BASE);
	if (cycle)
		close(child("base.vhd", BASE, "leaf.vhd", LEAF));
	else if (strcmp(e->name, "another-disk-of-the-same-name") == 0)
		base("base.vhd", OTHER, MIB);
	else if (strcmp(e->name, "parent-is-larger") == 0)
		base("base.vhd", BASE, 2 * MIB);
	else if (strcmp(e->name, "parent-is-a-symbolic-link") == 0)
		must(symlink("/dev/zero", "base.vhd"), "link");
	else if (strcmp(e->name, "parent-is-a-pipe") == 0)
		must(mknod("base.vhd", S_IFIFO | 0644, 0), "pipe");
	else if (strcmp(e->name, "parent-is-no-vhd") == 0)
		must(ftruncate(create("base.vhd"), MIB), "file");
	else if (strcmp(e->name, "parent-is-gone") != 0)
		base("base.vhd", BASE, MIB);
	if (e->text)
		name_text(fd, *e->code, e->text);
	else
		spoil(fd, e->name);
	close(fd);
}

int main(int argc, char **argv)
{
	size_t n = sizeof(EVIL) / sizeof(EVIL[0]);

	for (size_t i = 0; argc == 1 && i < n; i++)
		printf("%s\t%d\t%s\n", EVIL[i].name, EVIL[i].status, EVIL[i].must_say);
	for (size_t i = 0; argc == 3 && i < n; i++)
		if (strcmp(EVIL[i].name, argv[1]) == 0) {
			must(chdir(argv[2]), argv[2]);
			build(&EVIL[i]);
			return 0;
		}
	return argc == 1 ? 0 : 2;
}
