#include "vhdcrypt/vhd_locator.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "base/bytes.h"

enum encoding { UTF16_LE, UTF16_BE, UTF8 };

/* A path as it is read, character by character; only the current part is kept. */
struct path {
	const char *field; /* for faults */
	char part[VHD_LOCATOR_NAME_BYTES];
	size_t n;	  /* bytes of the part */
	unsigned n_parts; /* before it, without "." */
	unsigned n_lead;  /* separators at the very start: 1 root, 2 a server or a device */
	bool absolute;
	bool begun; /* something was read */
};

uint32_t vhd_locator_space_bytes(const struct vhd_header_locator *locator)
{
	uint64_t space = locator->space;

	if (space < VHD_FORMAT_SECTOR_BYTES)
		space *= VHD_FORMAT_SECTOR_BYTES;
	if (space % VHD_FORMAT_SECTOR_BYTES != 0)
		return 0;
	return space < VHD_LOCATOR_DATA_MAX_BYTES ? (uint32_t)space : VHD_LOCATOR_DATA_MAX_BYTES;
}

static int fault_at(const struct path *p, size_t position, const char *rule,
		    struct vhd_fault *ret_fault)
{
	return vhd_fault_set(ret_fault, "parent name", p->field, position, rule);
}

/* RFC 3629, section 3: one character, or -1. Neither surrogates nor longer spellings than needed. */
static int64_t utf8_next(struct bytes *b)
{
	static const uint32_t least[] = { 0, 0x80, 0x800, 0x10000 };
	uint32_t c = bytes_u8(b);
	unsigned more = c < 0x80   ? 0
			: c < 0xc0 ? 4
			: c < 0xe0 ? 1
			: c < 0xf0 ? 2
			: c < 0xf8 ? 3
				   : 4;

	if (more == 4)
		return -1;
	c &= more == 0 ? 0x7f : 0x3fU >> more;
	for (unsigned i = 0; i < more; i++) {
		uint8_t next = bytes_u8(b);

		if (!bytes_ok(b) || (next & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (next & 0x3f);
	}
	if (c < least[more] || c > 0x10ffff || (c >= 0xd800 && c < 0xe000))
		return -1;
	return c;
}

static uint16_t utf16_unit(struct bytes *b, enum encoding encoding)
{
	uint16_t unit = bytes_be16(b);

	return encoding == UTF16_BE ? unit : (uint16_t)(unit << 8 | unit >> 8);
}

/* RFC 2781, section 2.2: one character, or -1. */
static int64_t utf16_next(struct bytes *b, enum encoding encoding)
{
	uint32_t high = utf16_unit(b, encoding), low;

	if (!bytes_ok(b))
		return -1;
	if (high < 0xd800 || high >= 0xe000)
		return high;
	low = utf16_unit(b, encoding);
	if (!bytes_ok(b) || high >= 0xdc00 || low < 0xdc00 || low >= 0xe000)
		return -1;
	return 0x10000 + ((high - 0xd800) << 10 | (low - 0xdc00));
}

static size_t utf8_put(uint32_t c, char out[4])
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	for (size_t i = n; i-- > 1; c >>= 6)
		out[i] = (char)(0x80 | (c & 0x3f));
	out[0] = (char)(n == 1 ? c : (0xf0U << (4 - n) & 0xff) | c);
	return n;
}

static bool part_is(const struct path *p, const char *text)
{
	return p->n == strlen(text) && memcmp(p->part, text, p->n) == 0;
}

/* The part before a separator, or the last one. */
static int end_part(struct path *p, size_t position, bool last, struct vhd_fault *ret_fault)
{
	bool device = p->n_lead == 2 && p->n_parts == 0 && (part_is(p, ".") || part_is(p, "?"));

	if (device)
		return fault_at(p, position, "is in the path of a device", ret_fault);
	if (part_is(p, ".."))
		return fault_at(p, position, "is in a path that leads upwards", ret_fault);
	if (last && (p->n == 0 || part_is(p, ".")))
		return fault_at(p, position, "is the end of a path without a file", ret_fault);
	if (last && !p->absolute && p->n_parts > 0)
		return fault_at(p, position, "is the end of a path out of the folder of the image",
				ret_fault);
	if (!last) {
		p->n_parts += p->n > 0 && !part_is(p, ".");
		p->n = 0;
	}
	return 0;
}

static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int take(struct path *p, uint32_t c, size_t position, struct vhd_fault *ret_fault)
{
	char utf8[4];
	size_t n;

	if (c == '/' || c == '\\') {
		if (!p->begun || (p->n == 0 && p->n_parts == 0 && p->n_lead == 1)) {
			p->n_lead++;
			p->absolute = true;
		}
		p->begun = true;
		return end_part(p, position, false, ret_fault);
	}
	if (c == ':' && p->n == 1 && is_letter(p->part[0]) && !p->absolute && p->n_parts == 0) {
		p->absolute = true; /* a drive */
		p->n = 0;
		return 0;
	}
	if (c < 0x20 || c == 0x7f || c == ':')
		return fault_at(p, position, "is no character of a file name", ret_fault);
	p->begun = true;
	n = utf8_put(c, utf8);
	if (p->n + n >= sizeof(p->part))
		return fault_at(p, position, "is behind the longest file name", ret_fault);
	memcpy(p->part + p->n, utf8, n);
	p->n += n;
	return 0;
}

/* NULs may fill up the rest of a field; nothing may follow them. */
static int demand_zeros(const struct path *p, struct bytes *b, size_t position,
			struct vhd_fault *ret_fault)
{
	while (bytes_left(b) > 0)
		if (bytes_u8(b) != 0)
			return fault_at(p, position, "is a zero in the middle", ret_fault);
	return 0;
}

static int parse(struct path *p, struct bytes *b, enum encoding encoding, char *ret_name,
		 struct vhd_fault *ret_fault)
{
	size_t all = bytes_left(b);
	int r = 0;

	while (r == 0 && bytes_left(b) > 0) {
		size_t at = all - bytes_left(b);
		int64_t c = encoding == UTF8 ? utf8_next(b) : utf16_next(b, encoding);

		if (c < 0)
			return fault_at(p, at, "is not in the encoding of this name", ret_fault);
		r = c == 0 ? demand_zeros(p, b, at, ret_fault)
			   : take(p, (uint32_t)c, at, ret_fault);
	}
	if (r == 0 && !p->begun)
		return -ENODATA;
	if (r == 0)
		r = end_part(p, all, true, ret_fault);
	if (r < 0)
		return r;
	memcpy(ret_name, p->part, p->n);
	ret_name[p->n] = '\0';
	return 0;
}

/* "file://" and, where there is one, the host, which can only be this one (RFC 8089, section 2). */
static int skip_scheme(const struct path *p, struct bytes *b, struct vhd_fault *ret_fault)
{
	static const char scheme[] = "file://", host[] = "localhost/";
	const uint8_t *at = bytes_take(b, sizeof(scheme) - 1);
	struct bytes ahead = *b;

	if (!at || memcmp(at, scheme, sizeof(scheme) - 1) != 0)
		return fault_at(p, 0, "is not the start of a file URL", ret_fault);
	at = bytes_take(&ahead, sizeof(host) - 1);
	if (at && memcmp(at, host, sizeof(host) - 1) == 0)
		(void)bytes_take(b, sizeof(host) - 2); /* the slash is the path's */
	return 0;
}

int vhd_locator_name_parse(uint32_t code, const void *data, size_t len_bytes,
			   char ret_name[VHD_LOCATOR_NAME_BYTES], struct vhd_fault *ret_fault)
{
	struct bytes b = bytes_of(data, len_bytes);
	struct path p = { .field = code == VHD_LOCATOR_W2RU   ? "byte of W2ru"
				   : code == VHD_LOCATOR_W2KU ? "byte of W2ku"
							      : "byte of MacX" };
	int r;

	if (code != VHD_LOCATOR_W2RU && code != VHD_LOCATOR_W2KU && code != VHD_LOCATOR_MACX)
		return -ENODATA;
	if (len_bytes > VHD_LOCATOR_DATA_MAX_BYTES)
		return fault_at(&p, len_bytes, "is behind the longest path", ret_fault);
	if (code != VHD_LOCATOR_MACX)
		return parse(&p, &b, UTF16_LE, ret_name, ret_fault);
	r = skip_scheme(&p, &b, ret_fault);
	return r < 0 ? r : parse(&p, &b, UTF8, ret_name, ret_fault);
}

int vhd_locator_header_name_parse(const uint8_t field[VHD_FORMAT_PARENT_NAME_BYTES],
				  char ret_name[VHD_LOCATOR_NAME_BYTES],
				  struct vhd_fault *ret_fault)
{
	struct bytes b = bytes_of(field, VHD_FORMAT_PARENT_NAME_BYTES);
	struct path p = { .field = "byte of the header" };

	return parse(&p, &b, UTF16_BE, ret_name, ret_fault);
}

/* UTF-8 to UTF-16; -EINVAL: not UTF-8, or more than max bytes. */
static int encode(const char *text, enum encoding encoding, uint8_t *out, size_t max_bytes,
		  size_t *ret_len_bytes)
{
	struct bytes b = bytes_of(text, strlen(text));
	size_t n = 0;

	while (bytes_left(&b) > 0) {
		int64_t c = utf8_next(&b);
		uint32_t unit[2] = { (uint32_t)c, 0 };
		unsigned n_units = c >= 0x10000 ? 2 : 1;

		if (c < 0 || n + 2 * n_units > max_bytes)
			return -EINVAL;
		if (n_units == 2) {
			unit[0] = 0xd800 + (uint32_t)((c - 0x10000) >> 10);
			unit[1] = 0xdc00 + (uint32_t)((c - 0x10000) & 0x3ff);
		}
		for (unsigned i = 0; i < n_units; i++, n += 2) {
			out[n + (encoding == UTF16_LE)] = (uint8_t)(unit[i] >> 8);
			out[n + (encoding == UTF16_BE)] = (uint8_t)unit[i];
		}
	}
	*ret_len_bytes = n;
	return 0;
}

int vhd_locator_build(const char *name, uint8_t ret_data[VHD_LOCATOR_BUILT_MAX_BYTES],
		      size_t *ret_len_bytes)
{
	uint8_t data[VHD_LOCATOR_BUILT_MAX_BYTES] = { '.', 0, '\\', 0 };
	char again[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;
	size_t n;

	if (encode(name, UTF16_LE, data + 4, sizeof(data) - 4, &n) < 0 ||
	    vhd_locator_name_parse(VHD_LOCATOR_W2RU, data, n + 4, again, &fault) < 0 ||
	    strcmp(again, name) != 0)
		return -EINVAL;
	memcpy(ret_data, data, n + 4);
	*ret_len_bytes = n + 4;
	return 0;
}

int vhd_locator_header_name_build(const char *name, uint8_t ret_field[VHD_FORMAT_PARENT_NAME_BYTES])
{
	uint8_t field[VHD_FORMAT_PARENT_NAME_BYTES] = { 0 };
	char again[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;
	size_t n;

	if (encode(name, UTF16_BE, field, sizeof(field), &n) < 0 ||
	    vhd_locator_header_name_parse(field, again, &fault) < 0 || strcmp(again, name) != 0)
		return -EINVAL;
	memcpy(ret_field, field, sizeof(field));
	return 0;
}
