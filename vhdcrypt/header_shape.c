#include "vhdcrypt/header_shape.h"

#include <errno.h>

#include "vhdcrypt/header_raw.h"
#include "vhdcrypt/json_shape.h"

#define CIPHER "aes-xts-plain64"
#define HASH   "sha512"

enum { KEY_BYTES = 64, STRIPES = 4000, AREA_ALIGN_BYTES = 4096 };

static const char *const only_0[] = { "0", NULL };
static const char *const both_slots[] = { "0", "1", NULL };

static int parse_segment(const struct json_shape *header, struct header_shape *shape)
{
	static const char *const keys[] = { "type",	  "offset",	 "size", "iv_tweak",
					    "encryption", "sector_size", NULL };
	struct json_shape segments, at;
	int r = json_shape_child(header, "segments", "segments", &segments);

	if (r == 0)
		r = json_shape_keys(&segments, only_0);
	if (r == 0)
		r = json_shape_child(&segments, "0", "segments.0", &at);
	if (r == 0)
		r = json_shape_is(&at, "type", "crypt");
	if (r == 0)
		r = json_shape_is(&at, "encryption", CIPHER);
	if (r == 0)
		r = json_shape_is(&at, "offset", "0");
	if (r == 0)
		r = json_shape_is(&at, "size", "dynamic");
	if (r == 0)
		r = json_shape_is(&at, "iv_tweak", "0");
	if (r == 0)
		r = json_shape_number(&at, "sector_size", 512, 4096, &shape->sector_bytes);
	if (r == 0 && shape->sector_bytes != 512 && shape->sector_bytes != 4096) {
		detail_set(at.ret_detail, "segments.0.sector_size is %u, not 512 or 4096",
			   shape->sector_bytes);
		r = -EBADMSG;
	}
	/* last, so that a wrong value is named before a field too many */
	return r == 0 ? json_shape_keys(&at, keys) : r;
}

static int parse_af(const struct json_shape *slot, const char *path)
{
	static const char *const keys[] = { "type", "stripes", "hash", NULL };
	struct json_shape at;
	uint32_t stripes;
	int r = json_shape_child(slot, "af", path, &at);

	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_is(&at, "type", "luks1");
	if (r == 0)
		r = json_shape_number(&at, "stripes", STRIPES, STRIPES, &stripes);
	return r == 0 ? json_shape_is(&at, "hash", HASH) : r;
}

static int parse_area(const struct json_shape *slot, const char *path,
		      struct header_shape_keyslot *k)
{
	static const char *const keys[] = {
		"type", "offset", "size", "encryption", "key_size", NULL
	};
	const uint64_t first = 2 * HEADER_RAW_COPY_BYTES, end = HEADER_RAW_BYTES;
	struct json_shape at;
	uint32_t key_bytes;
	int r = json_shape_child(slot, "area", path, &at);

	if (r == 0)
		r = json_shape_is(&at, "encryption", CIPHER);
	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_is(&at, "type", "raw");
	if (r == 0)
		r = json_shape_number(&at, "key_size", KEY_BYTES, KEY_BYTES, &key_bytes);
	if (r == 0)
		r = json_shape_decimal(&at, "offset", &k->area_offset_byte);
	if (r == 0)
		r = json_shape_decimal(&at, "size", &k->area_bytes);
	if (r == 0 &&
	    (k->area_offset_byte < first || k->area_offset_byte >= end ||
	     k->area_offset_byte % AREA_ALIGN_BYTES || k->area_bytes < KEY_BYTES * STRIPES ||
	     k->area_bytes > end - k->area_offset_byte)) {
		detail_set(at.ret_detail, "%s lies outside the keyslot area", path);
		r = -EBADMSG;
	}
	return r;
}

static int parse_kdf(const struct json_shape *slot, const char *path,
		     struct header_shape_keyslot *k)
{
	static const char *const keys[] = { "type", "hash", "iterations", "salt", NULL };
	struct json_shape at;
	int r = json_shape_child(slot, "kdf", path, &at);

	if (r == 0)
		r = json_shape_is(&at, "type", "pbkdf2");
	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_is(&at, "hash", HASH);
	if (r == 0)
		r = json_shape_number(&at, "iterations", HEADER_SHAPE_ITERATIONS_MIN,
				      HEADER_SHAPE_ITERATIONS_MAX, &k->iterations);
	return r == 0 ? json_shape_base64(&at, "salt", k->salt, sizeof(k->salt)) : r;
}

static int parse_keyslot(const struct json_shape *slots, unsigned i, struct header_shape_keyslot *k)
{
	static const char *const keys[] = { "type", "key_size", "af", "area", "kdf", NULL };
	static const char *const paths[HEADER_SHAPE_KEYSLOTS][4] = {
		{ "keyslots.0", "keyslots.0.af", "keyslots.0.area", "keyslots.0.kdf" },
		{ "keyslots.1", "keyslots.1.af", "keyslots.1.area", "keyslots.1.kdf" },
	};
	struct json_shape at;
	uint32_t key_bytes;
	int r = json_shape_child(slots, both_slots[i], paths[i][0], &at);

	if (r == 0)
		r = json_shape_is(&at, "type", "luks2");
	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_number(&at, "key_size", KEY_BYTES, KEY_BYTES, &key_bytes);
	if (r == 0)
		r = parse_af(&at, paths[i][1]);
	if (r == 0)
		r = parse_area(&at, paths[i][2], k);
	return r == 0 ? parse_kdf(&at, paths[i][3], k) : r;
}

static int parse_keyslots(const struct json_shape *header, struct header_shape *shape)
{
	const struct header_shape_keyslot *a = &shape->keyslot[0], *b = &shape->keyslot[1];
	struct json_shape slots;
	int r = json_shape_child(header, "keyslots", "keyslots", &slots);

	if (r == 0)
		r = json_shape_keys(&slots, both_slots);
	for (unsigned i = 0; r == 0 && i < HEADER_SHAPE_KEYSLOTS; i++)
		r = parse_keyslot(&slots, i, &shape->keyslot[i]);
	if (r == 0 && a->area_offset_byte < b->area_offset_byte + b->area_bytes &&
	    b->area_offset_byte < a->area_offset_byte + a->area_bytes) {
		detail_set(slots.ret_detail, "the areas of the keyslots overlap");
		r = -EBADMSG;
	}
	return r;
}

static int parse_digest(const struct json_shape *header, struct header_shape *shape)
{
	static const char *const keys[] = { "type",	  "keyslots", "segments", "hash",
					    "iterations", "salt",     "digest",	  NULL };
	struct json_shape digests, at;
	int r = json_shape_child(header, "digests", "digests", &digests);

	if (r == 0)
		r = json_shape_keys(&digests, only_0);
	if (r == 0)
		r = json_shape_child(&digests, "0", "digests.0", &at);
	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_is(&at, "type", "pbkdf2");
	if (r == 0)
		r = json_shape_list(&at, "keyslots", both_slots);
	if (r == 0)
		r = json_shape_list(&at, "segments", only_0);
	if (r == 0)
		r = json_shape_is(&at, "hash", HASH);
	if (r == 0)
		r = json_shape_number(&at, "iterations", HEADER_SHAPE_ITERATIONS_MIN,
				      HEADER_SHAPE_ITERATIONS_MAX, &shape->digest_iterations);
	if (r == 0)
		r = json_shape_base64(&at, "salt", shape->digest_salt, sizeof(shape->digest_salt));
	return r == 0 ? json_shape_base64(&at, "digest", shape->digest, sizeof(shape->digest)) : r;
}

static int parse_config(const struct json_shape *header)
{
	static const char *const keys[] = { "json_size", "keyslots_size", NULL };
	struct json_shape at;
	int r = json_shape_child(header, "config", "config", &at);

	if (r == 0)
		r = json_shape_keys(&at, keys);
	if (r == 0)
		r = json_shape_is(&at, "json_size", "12288");
	return r == 0 ? json_shape_is(&at, "keyslots_size", "524288") : r;
}

static int parse_tokens(const struct json_shape *header, struct header_shape *shape)
{
	struct json_shape tokens, at;
	int r = json_shape_child(header, "tokens", "tokens", &tokens);

	if (r == 0)
		r = json_shape_keys(&tokens, only_0);
	if (r == 0)
		r = json_shape_child(&tokens, "0", "tokens.0", &at);
	return r == 0 ? token_parse(at.object, at.path, &shape->token, at.ret_detail) : r;
}

int header_shape_parse(const char *json, size_t n, struct header_shape *ret,
		       struct detail *ret_detail)
{
	static const char *const keys[] = { "keyslots", "tokens", "segments",
					    "digests",	"config", NULL };
	struct json_object *object = NULL;
	struct header_shape shape = { 0 };
	struct json_shape header;
	int r = json_shape_parse(json, n, &object, ret_detail);

	if (r < 0)
		return r;
	header = (struct json_shape){ .object = object, .path = "", .ret_detail = ret_detail };
	r = json_shape_keys(&header, keys);
	if (r == 0)
		r = parse_config(&header);
	if (r == 0)
		r = parse_segment(&header, &shape);
	if (r == 0)
		r = parse_keyslots(&header, &shape);
	if (r == 0)
		r = parse_digest(&header, &shape);
	if (r == 0)
		r = parse_tokens(&header, &shape);
	if (r == 0)
		*ret = shape;
	json_object_put(object);
	return r;
}
