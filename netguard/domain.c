#include "netguard/domain.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

enum {
	NAME_MAX_BYTES = 255, /* RFC 1035 2.3.4 */
	LABEL_MAX_BYTES = 63,
};

struct name {
	char text[NAME_MAX_BYTES + 1];
	size_t len_bytes;
};

static bool append_label(struct name *name, const uint8_t *label, size_t len_bytes)
{
	size_t dot = name->len_bytes > 0;

	if (name->len_bytes + dot + len_bytes > NAME_MAX_BYTES)
		return false;
	if (dot)
		name->text[name->len_bytes++] = '.';
	for (size_t i = 0; i < len_bytes; i++) {
		bool plain = label[i] > 0x20 && label[i] <= 0x7e && label[i] != '.';

		name->text[name->len_bytes++] = plain ? (char)label[i] : '?';
	}
	return true;
}

/* Read one name at *at; *at moves past it. */
static bool read_name(const uint8_t *data, size_t len_bytes, size_t *at, struct name *ret)
{
	size_t pos = *at, lowest = *at;
	bool jumped = false;

	ret->len_bytes = 0;
	while (pos < len_bytes) {
		unsigned c = data[pos];

		if (c == 0) {
			if (!jumped)
				*at = pos + 1;
			return true;
		}
		if (c <= LABEL_MAX_BYTES) {
			if (c > len_bytes - pos - 1 || !append_label(ret, data + pos + 1, c))
				return false;
			pos += 1 + c;
			continue;
		}
		/* 4.1.4: two set bits, then 14 bits of offset; ours must be a prior one */
		if (c < 0xc0 || len_bytes - pos < 2)
			return false;
		if (!jumped)
			*at = pos + 2;
		jumped = true;
		pos = (size_t)(c & 0x3f) << 8 | data[pos + 1];
		if (pos >= lowest)
			return false;
		lowest = pos;
	}
	return false;
}

int domain_search_append(const uint8_t *data, size_t len_bytes, char ret[MSG_DOMAIN_BYTES],
			 uint32_t *ret_cut)
{
	char text[MSG_DOMAIN_BYTES] = { 0 };
	size_t n = strnlen(ret, MSG_DOMAIN_BYTES - 1), at = 0;
	uint32_t cut = 0;

	memcpy(text, ret, n);
	while (at < len_bytes) {
		struct name name;
		size_t space = n > 0;

		if (!read_name(data, len_bytes, &at, &name))
			return -EBADMSG;
		if (name.len_bytes == 0)
			continue; /* the root: says nothing */
		if (n + space + name.len_bytes >= sizeof(text)) {
			cut = 1;
			continue;
		}
		if (space)
			text[n++] = ' ';
		memcpy(text + n, name.text, name.len_bytes);
		n += name.len_bytes;
	}
	memcpy(ret, text, sizeof(text));
	*ret_cut |= cut;
	return 0;
}

int domain_search_parse(const uint8_t *data, size_t len_bytes, char ret[MSG_DOMAIN_BYTES],
			uint32_t *ret_cut)
{
	char text[MSG_DOMAIN_BYTES] = { 0 };
	uint32_t cut = 0;
	int r = domain_search_append(data, len_bytes, text, &cut);

	if (r < 0)
		return r;
	memcpy(ret, text, sizeof(text));
	*ret_cut = cut;
	return 0;
}
