#include "vhdcrypt/header_raw.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sodium.h>

#include "base/bytes.h"

/* Offsets in struct luks2_hdr_disk */
enum { CSUM_AT = 448, CSUM_FIELD_BYTES = 64 };

struct copy {
	uint8_t magic[6];
	uint16_t version;
	uint64_t size_bytes;
	uint64_t sequence;
	uint8_t label[48];
	uint8_t algorithm[32];
	uint8_t salt[64];
	char uuid[40];
	uint8_t subsystem[48];
	uint64_t offset_byte;
	uint8_t checksum[CSUM_FIELD_BYTES];
	const uint8_t *json;
};

static void read_copy(const uint8_t *data, struct copy *ret)
{
	struct bytes b = bytes_of(data, HEADER_RAW_COPY_BYTES);

	bytes_copy(&b, ret->magic, sizeof(ret->magic));
	ret->version = bytes_be16(&b);
	ret->size_bytes = bytes_be64(&b);
	ret->sequence = bytes_be64(&b);
	bytes_copy(&b, ret->label, sizeof(ret->label));
	bytes_copy(&b, ret->algorithm, sizeof(ret->algorithm));
	bytes_copy(&b, ret->salt, sizeof(ret->salt));
	bytes_copy(&b, ret->uuid, sizeof(ret->uuid));
	bytes_copy(&b, ret->subsystem, sizeof(ret->subsystem));
	ret->offset_byte = bytes_be64(&b);
	(void)bytes_take(&b, 184); /* padding */
	bytes_copy(&b, ret->checksum, sizeof(ret->checksum));
	(void)bytes_take(&b, HEADER_RAW_BINARY_BYTES - CSUM_AT - CSUM_FIELD_BYTES);
	ret->json = bytes_take(&b, HEADER_RAW_JSON_BYTES);
}

/* SHA-256 of the whole copy with zeros in place of the checksum, then zeros to its end. */
static bool checksum_ok(const uint8_t *data, const struct copy *copy)
{
	static const uint8_t zeros[CSUM_FIELD_BYTES];
	uint8_t sum[CSUM_FIELD_BYTES] = { 0 };
	crypto_hash_sha256_state state;

	(void)crypto_hash_sha256_init(&state);
	(void)crypto_hash_sha256_update(&state, data, CSUM_AT);
	(void)crypto_hash_sha256_update(&state, zeros, sizeof(zeros));
	(void)crypto_hash_sha256_update(&state, data + CSUM_AT + CSUM_FIELD_BYTES,
					HEADER_RAW_COPY_BYTES - CSUM_AT - CSUM_FIELD_BYTES);
	(void)crypto_hash_sha256_final(&state, sum);
	return memcmp(sum, copy->checksum, sizeof(sum)) == 0;
}

static const char *fault_of(const uint8_t *data, const struct copy *copy, bool second)
{
	static const uint8_t sha256[32] = "sha256";

	if (memcmp(copy->magic, second ? "SKUL\xba\xbe" : "LUKS\xba\xbe", 6) != 0)
		return "no LUKS magic";
	if (copy->version != 2)
		return "a version other than 2";
	if (copy->size_bytes != HEADER_RAW_COPY_BYTES)
		return "a size other than 16384 bytes";
	if (copy->offset_byte != (second ? HEADER_RAW_COPY_BYTES : 0))
		return "the offset of another place";
	if (memcmp(copy->algorithm, sha256, sizeof(sha256)) != 0)
		return "a checksum algorithm other than sha256";
	if (!checksum_ok(data, copy))
		return "a wrong checksum";
	return NULL;
}

/* Lower-case hex in groups of 8-4-4-4-12, then zeros. */
static bool parse_uuid(const char text[40], uint8_t ret[HEADER_RAW_UUID_BYTES])
{
	char again[HEADER_RAW_UUID_TEXT_BYTES];
	size_t n = 0;

	if (sodium_hex2bin(ret, HEADER_RAW_UUID_BYTES, text, 36, "-", &n, NULL) != 0 ||
	    n != HEADER_RAW_UUID_BYTES)
		return false;
	header_raw_uuid_text(ret, again);
	return memcmp(text, again, sizeof(again)) == 0 && text[37] == 0 && text[38] == 0 &&
	       text[39] == 0;
}

void header_raw_uuid_text(const uint8_t uuid[HEADER_RAW_UUID_BYTES],
			  char ret[HEADER_RAW_UUID_TEXT_BYTES])
{
	char *at = ret;

	for (unsigned i = 0; i < HEADER_RAW_UUID_BYTES; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			*at++ = '-';
		at += snprintf(at, 3, "%02x", uuid[i]);
	}
}

/* The text ends in zeros only, so that nothing hides behind it. */
static size_t json_length(const uint8_t *json)
{
	size_t n = strnlen((const char *)json, HEADER_RAW_JSON_BYTES);

	for (size_t i = n; i < HEADER_RAW_JSON_BYTES; i++)
		if (json[i] != 0)
			return 0;
	return n < HEADER_RAW_JSON_BYTES ? n : 0;
}

int header_raw_parse(const uint8_t data[2 * HEADER_RAW_COPY_BYTES], struct header_raw *ret,
		     struct detail *ret_detail)
{
	struct header_raw raw = { 0 };
	struct copy copy[2];

	for (unsigned i = 0; i < 2; i++) {
		const uint8_t *at = data + i * HEADER_RAW_COPY_BYTES;
		const char *fault;

		read_copy(at, &copy[i]);
		fault = fault_of(at, &copy[i], i == 1);
		if (fault) {
			detail_set(ret_detail, "the %s copy of the header has %s",
				   i ? "second" : "first", fault);
			return -EBADMSG;
		}
	}
	if (copy[0].sequence != copy[1].sequence ||
	    memcmp(copy[0].label, copy[1].label, sizeof(copy[0].label)) != 0 ||
	    memcmp(copy[0].uuid, copy[1].uuid, sizeof(copy[0].uuid)) != 0 ||
	    memcmp(copy[0].subsystem, copy[1].subsystem, sizeof(copy[0].subsystem)) != 0 ||
	    memcmp(copy[0].json, copy[1].json, HEADER_RAW_JSON_BYTES) != 0) {
		detail_set(ret_detail, "the two copies of the header differ");
		return -EBADMSG;
	}
	raw.json_bytes = json_length(copy[0].json);
	if (raw.json_bytes == 0 || !parse_uuid(copy[0].uuid, raw.uuid)) {
		detail_set(ret_detail, raw.json_bytes ? "the header's uuid is malformed"
						      : "the header's JSON area is malformed");
		return -EBADMSG;
	}
	raw.sequence = copy[0].sequence;
	raw.json = (const char *)copy[0].json;
	*ret = raw;
	return 0;
}
