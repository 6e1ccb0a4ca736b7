#include "roles/cli_disk_copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/util.h"

enum { CHUNK_BYTES = 1024 * 1024, SECTOR_512 = 512 };

/* A buffer for plaintext: wiped when it goes. */
static void wipe(uint8_t **chunk)
{
	if (*chunk)
		sodium_memzero(*chunk, CHUNK_BYTES);
	free(*chunk);
}

#define OWNS_CHUNK __attribute__((cleanup(wipe)))

static bool all_zero(const uint8_t *data, size_t n)
{
	return sodium_is_zero(data, n);
}

/* The extent at `at`, cut to one chunk. */
static int next(struct image *image, uint64_t at, uint64_t end, struct image_extent *ret)
{
	int r = image_extent(image, at, end - at, ret);

	if (r == 0)
		ret->len_bytes = MIN(ret->len_bytes, (uint64_t)CHUNK_BYTES);
	return r;
}

int cli_disk_copy(struct image *from, struct image *to, struct cli_disk_counts *ret)
{
	const bool holes = image_info(to)->block_bytes != 0;
	struct cli_disk_counts c = { .disk_bytes = image_info(from)->virtual_bytes };
	OWNS_CHUNK uint8_t *chunk = malloc(CHUNK_BYTES);
	struct image_extent e;

	if (!chunk)
		return -ENOMEM;
	for (uint64_t at = 0; at < c.disk_bytes; at += e.len_bytes) {
		int r = next(from, at, c.disk_bytes, &e);

		if (r == 0 && e.hole && holes)
			continue;
		if (r == 0)
			r = image_read(from, chunk, e.len_bytes, at);
		if (r == 0)
			r = image_write(to, chunk, e.len_bytes, at);
		if (r < 0)
			return r;
		c.data_bytes += e.len_bytes;
	}
	*ret = c;
	return image_flush(to);
}

/* One run of raw sectors against the plaintext that they should be. */
static int prove_data(struct sector *cipher, uint8_t *raw, const uint8_t *plain, uint64_t at,
		      size_t n, uint64_t *ret_byte)
{
	for (size_t i = 0; i < n; i += SECTOR_512) {
		if (memcmp(raw + i, plain + i, SECTOR_512) == 0) {
			*ret_byte = at + i;
			return -ENOKEY;
		}
	}
	if (sector_decrypt(cipher, at / SECTOR_512, raw, raw, n) < 0)
		return -EIO;
	for (size_t i = 0; i < n; i += SECTOR_512) {
		if (memcmp(raw + i, plain + i, SECTOR_512) != 0) {
			*ret_byte = at + i;
			return -EILSEQ;
		}
	}
	return 0;
}

static int prove_all(struct image *plain, struct image *raw, struct sector *cipher,
		     struct cli_disk_counts *ret, uint64_t *ret_byte)
{
	OWNS_CHUNK uint8_t *want = malloc(CHUNK_BYTES);
	OWNS_CHUNK uint8_t *got = malloc(CHUNK_BYTES);
	struct cli_disk_counts c = { .disk_bytes = image_info(plain)->virtual_bytes };
	struct image_extent e;

	if (!want || !got)
		return -ENOMEM;
	if (image_info(raw)->virtual_bytes != c.disk_bytes) {
		*ret_byte = MIN(image_info(raw)->virtual_bytes, c.disk_bytes);
		return -EILSEQ;
	}
	for (uint64_t at = 0; at < c.disk_bytes; at += e.len_bytes) {
		int r = next(raw, at, c.disk_bytes, &e);

		if (r == 0)
			r = image_read(plain, want, e.len_bytes, at);
		if (r == 0 && e.hole && !all_zero(want, e.len_bytes)) {
			*ret_byte = at;
			r = -EILSEQ;
		}
		if (r == 0 && !e.hole) {
			r = image_read(raw, got, e.len_bytes, at);
			if (r == 0)
				r = prove_data(cipher, got, want, at, e.len_bytes, ret_byte);
			c.data_bytes += e.len_bytes;
		}
		if (r < 0)
			return r;
	}
	*ret = c;
	return 0;
}

int cli_disk_copy_prove(struct image *plain, int encrypted_fd, const struct secret *volume_key,
			uint32_t sector_bytes, struct cli_disk_counts *ret, uint64_t *ret_byte)
{
	struct sector *cipher = NULL;
	struct image *raw = NULL;
	struct vhd_fault fault;
	int r = sector_new(volume_key->bytes, sector_bytes, &cipher);

	(void)fdatasync(encrypted_fd);
	(void)posix_fadvise(encrypted_fd, 0, 0, POSIX_FADV_DONTNEED);
	if (r == 0)
		r = image_open(encrypted_fd, IMAGE_READ_ONLY, &raw, &fault);
	if (r == 0) {
		image_set_plain(raw); /* its bytes as they are */
		r = prove_all(plain, raw, cipher, ret, ret_byte);
	}
	(void)image_close(raw);
	sector_free(cipher);
	return r;
}

int cli_disk_copy_raw(struct image *from, int fd, struct cli_disk_counts *ret)
{
	struct cli_disk_counts c = { .disk_bytes = image_info(from)->virtual_bytes };
	OWNS_CHUNK uint8_t *chunk = malloc(CHUNK_BYTES);
	struct image_extent e;

	if (!chunk)
		return -ENOMEM;
	if (ftruncate(fd, (off_t)c.disk_bytes) < 0)
		return -errno;
	for (uint64_t at = 0; at < c.disk_bytes; at += e.len_bytes) {
		int r = next(from, at, c.disk_bytes, &e);

		if (r == 0 && e.hole)
			continue;
		if (r == 0)
			r = image_read(from, chunk, e.len_bytes, at);
		for (size_t done = 0; r == 0 && done < e.len_bytes;) {
			ssize_t n =
				pwrite(fd, chunk + done, e.len_bytes - done, (off_t)(at + done));

			if (n <= 0)
				r = n < 0 ? -errno : -EIO;
			else
				done += (size_t)n;
		}
		if (r < 0)
			return r;
		c.data_bytes += e.len_bytes;
	}
	*ret = c;
	return fsync(fd) < 0 ? -errno : 0;
}
