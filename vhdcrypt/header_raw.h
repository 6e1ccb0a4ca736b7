/* header_raw.h - the binary part of a detached LUKS2 header: two copies that must agree.
 *
 * libcryptsetup takes the copy with the higher sequence number and repairs the other, so whoever
 * can write the header chooses which one is read. We take a header only if both copies are whole
 * and say the same. Needs sodium_init().
 * Source: LUKS2 On-Disk Format Specification 1.1.1, section 2. */
#ifndef VHDCRYPT_HEADER_RAW_H
#define VHDCRYPT_HEADER_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/detail.h"

enum {
	HEADER_RAW_COPY_BYTES = 16 * 1024,
	HEADER_RAW_KEYSLOTS_BYTES = 512 * 1024,
	HEADER_RAW_BYTES = 2 * HEADER_RAW_COPY_BYTES + HEADER_RAW_KEYSLOTS_BYTES,
	HEADER_RAW_BINARY_BYTES = 4096, /* then the JSON area up to the end of the copy */
	HEADER_RAW_JSON_BYTES = HEADER_RAW_COPY_BYTES - HEADER_RAW_BINARY_BYTES,
	HEADER_RAW_UUID_BYTES = 16,
};

struct header_raw {
	uint8_t uuid[HEADER_RAW_UUID_BYTES];
	uint64_t sequence;
	const char *json; /* borrowed from data; NUL-terminated */
	size_t json_bytes;
};

/* -EBADMSG with *ret_detail. */
int header_raw_parse(const uint8_t data[2 * HEADER_RAW_COPY_BYTES], struct header_raw *ret,
		     struct detail *ret_detail);

/* 36 characters and a NUL, lower case: the bytes in the order in which they are stored. */
enum { HEADER_RAW_UUID_TEXT_BYTES = 37 };
void header_raw_uuid_text(const uint8_t uuid[HEADER_RAW_UUID_BYTES],
			  char ret[HEADER_RAW_UUID_TEXT_BYTES]);

#endif
