#include "vhdcrypt/image_digest.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/kdf.h"

enum { CHUNK_BYTES = 1 << 20 };

struct digest {
	struct image *image;
	uint64_t disk_bytes;
	crypto_generichash_state state;
	uint8_t *chunk;
};

static void add_number(struct digest *d, uint64_t n)
{
	uint64_t big = htobe64(n);

	(void)crypto_generichash_update(&d->state, (const uint8_t *)&big, sizeof(big));
}

static int begin(struct digest *d, const struct secret *volume_key,
		 const uint8_t layer[VHD_FORMAT_UUID_BYTES])
{
	uint8_t info[5 + VHD_FORMAT_UUID_BYTES] = "merge", key[KDF_KEY_BYTES];

	d->chunk = malloc(CHUNK_BYTES);
	if (!d->chunk)
		return -ENOMEM;
	memcpy(info + 5, layer, VHD_FORMAT_UUID_BYTES);
	kdf_hkdf(volume_key->bytes, volume_key->len_bytes, info, sizeof(info), key);
	(void)crypto_generichash_init(&d->state, key, sizeof(key), IMAGE_DIGEST_BYTES);
	sodium_memzero(key, sizeof(key));
	add_number(d, d->disk_bytes);
	return 0;
}

/* One chunk of the grid that begins at `at`, or all whole chunks of a hole: *ret_bytes of the disk. */
static int add_next(struct digest *d, uint64_t at, uint64_t *ret_bytes)
{
	uint64_t left = d->disk_bytes - at, n = MIN(left, (uint64_t)CHUNK_BYTES);
	struct image_extent e;
	int r = image_extent(d->image, at, left, &e);

	if (r == 0 && e.hole && e.len_bytes >= n) {
		*ret_bytes = e.len_bytes == left ? left : e.len_bytes / CHUNK_BYTES * CHUNK_BYTES;
		return 0;
	}
	if (r == 0)
		r = image_read(d->image, d->chunk, n, at);
	if (r == 0 && !sodium_is_zero(d->chunk, n)) {
		add_number(d, at);
		(void)crypto_generichash_update(&d->state, d->chunk, n);
	}
	*ret_bytes = n;
	return r;
}

int image_digest(struct image *image, const struct secret *volume_key,
		 const uint8_t layer[VHD_FORMAT_UUID_BYTES], image_digest_tell *tell, void *context,
		 uint8_t ret[IMAGE_DIGEST_BYTES])
{
	struct digest d = { .image = image, .disk_bytes = image_info(image)->virtual_bytes };
	int r = begin(&d, volume_key, layer);
	uint64_t n;

	for (uint64_t at = 0; r == 0 && at < d.disk_bytes; at += n) {
		r = add_next(&d, at, &n);
		if (r == 0 && tell && !tell(context, at + n, d.disk_bytes))
			r = -ECANCELED;
	}
	if (r == 0)
		(void)crypto_generichash_final(&d.state, ret, IMAGE_DIGEST_BYTES);
	if (d.chunk)
		sodium_memzero(d.chunk, CHUNK_BYTES);
	free(d.chunk);
	sodium_memzero(&d.state, sizeof(d.state));
	return r;
}
