#include "vhdcrypt/image_state.h"

#include <errno.h>
#include <string.h>

#include "base/util.h"

enum {
	SECTOR = VHD_FORMAT_SECTOR_BYTES,
	RUN = VHD_MAP_RUN_BYTES,
	/* en- or decrypted at once: fits the second-level cache twice, and a thread's stack */
	CHUNK_BYTES = 64 * 1024,
	/* what is not worth a buffer in between, and touching all pages of one */
	SMALL_BYTES = 4096,
};

/* Ciphertext only, so nothing to wipe; not filled at every call, as other locals are. Each page is touched
 * on entry, against a stack that runs into something else: so who moves little has no large one. */
#define UNSET __attribute__((aligned(64), uninitialized))
#define APART __attribute__((noinline))

static bool in_range(const struct image *image, uint64_t len_bytes, uint64_t offset_byte)
{
	uint64_t size = image->info.virtual_bytes;

	return offset_byte <= size && len_bytes <= size - offset_byte;
}

/* The end of the run (4 KiB, or what is left of the disk) that holds this byte. */
static uint64_t run_end(const struct image *image, uint64_t offset_byte)
{
	return MIN(offset_byte / RUN * RUN + RUN, image->info.virtual_bytes);
}

/* The kernel copies three times as fast to a border of 64 bytes as to a server's buffer from malloc(), so
 * much ciphertext goes through one of ours, in portions that stay in the cache until they are decrypted. */
static APART int read_large(struct image *image, uint64_t file_byte, uint64_t offset_byte,
			    uint8_t *buf, size_t len_bytes)
{
	uint8_t sealed[CHUNK_BYTES] UNSET;
	int r = 0;

	for (size_t at = 0; r == 0 && at < len_bytes; at += CHUNK_BYTES) {
		size_t n = MIN((size_t)CHUNK_BYTES, len_bytes - at);

		r = store_read(&image->store, sealed, n, file_byte + at);
		if (r == 0)
			r = sector_decrypt(image->cipher, (offset_byte + at) / SECTOR, sealed,
					   buf + at, n);
	}
	return r;
}

/* Whole grains of ciphertext (or plain data) that do exist in the file. */
static int payload_read(struct image *image, uint64_t file_byte, uint64_t offset_byte, uint8_t *buf,
			size_t len_bytes)
{
	int r;

	if (image->cipher && len_bytes > SMALL_BYTES)
		return read_large(image, file_byte, offset_byte, buf, len_bytes);
	r = store_read(&image->store, buf, len_bytes, file_byte);
	if (r == 0 && image->cipher)
		r = sector_decrypt(image->cipher, offset_byte / SECTOR, buf, buf, len_bytes);
	return r;
}

static APART int write_large(struct image *image, uint64_t file_byte, uint64_t offset_byte,
			     const uint8_t *data, size_t len_bytes)
{
	uint8_t sealed[CHUNK_BYTES] UNSET;
	int r = 0;

	for (size_t at = 0; r == 0 && at < len_bytes; at += CHUNK_BYTES) {
		size_t n = MIN((size_t)CHUNK_BYTES, len_bytes - at);

		r = sector_encrypt(image->cipher, (offset_byte + at) / SECTOR, data + at, sealed,
				   n);
		if (r == 0)
			r = store_write(&image->store, sealed, n, file_byte + at);
	}
	return r;
}

static APART int write_small(struct image *image, uint64_t file_byte, uint64_t offset_byte,
			     const uint8_t *data, size_t len_bytes)
{
	uint8_t sealed[SMALL_BYTES] UNSET;
	int r = sector_encrypt(image->cipher, offset_byte / SECTOR, data, sealed, len_bytes);

	return r < 0 ? r : store_write(&image->store, sealed, len_bytes, file_byte);
}

static int payload_write(struct image *image, uint64_t file_byte, uint64_t offset_byte,
			 const uint8_t *data, size_t len_bytes)
{
	if (!image->cipher)
		return store_write(&image->store, data, len_bytes, file_byte);
	return len_bytes > SMALL_BYTES
		       ? write_large(image, file_byte, offset_byte, data, len_bytes)
		       : write_small(image, file_byte, offset_byte, data, len_bytes);
}

/* One stretch of a block with equal bits, whole grains; how much of len it was. */
static int read_stretch(struct image *image, uint64_t offset_byte, uint8_t *buf, size_t len_bytes,
			size_t *ret_len)
{
	struct image_piece p = image_piece(image, offset_byte, len_bytes);
	uint32_t entry, n = p.len_bytes / SECTOR;
	bool written = image_block_is_full(image, p.block, &entry);
	int r = written ? 0
			: image_block_run(image, p.block, p.first_byte / SECTOR, n, &entry,
					  &written, &n);

	if (r < 0)
		return r;
	*ret_len = (size_t)n * SECTOR;
	if (!written)
		return image_parent_read(image, buf, *ret_len, offset_byte);
	/* half a crypto sector written: no tool makes that, and nothing could decrypt it */
	if ((p.first_byte | *ret_len) % image->grain_bytes != 0)
		return -EIO;
	return payload_read(image, vhd_map_data_byte(&image->map, entry) + p.first_byte,
			    offset_byte, buf, *ret_len);
}

static int read_grains(struct image *image, uint64_t offset_byte, uint8_t *buf, size_t len_bytes)
{
	int r = 0;

	if (image_is_fixed(image))
		return payload_read(image, offset_byte, offset_byte, buf, len_bytes);
	while (r == 0 && len_bytes > 0) {
		size_t n = 0;

		r = read_stretch(image, offset_byte, buf, len_bytes, &n);
		offset_byte += n;
		buf += n;
		len_bytes -= n;
	}
	return r;
}

/* A part of one grain, through a buffer. */
static int read_part(struct image *image, uint64_t offset_byte, uint8_t *buf, size_t len_bytes)
{
	uint32_t grain = image->grain_bytes;
	size_t skip = offset_byte % grain;
	uint8_t whole[RUN];
	int r = read_grains(image, offset_byte - skip, whole, grain);

	if (r == 0)
		memcpy(buf, whole + skip, len_bytes);
	return r;
}

/* Under io. Any byte range. */
static int read_bytes(struct image *image, uint64_t offset_byte, uint8_t *buf, size_t len_bytes)
{
	uint32_t grain = image->grain_bytes;
	int r = 0;

	while (r == 0 && len_bytes > 0) {
		size_t skip = offset_byte % grain, n = len_bytes / grain * grain;

		if (skip == 0 && n > 0) {
			r = read_grains(image, offset_byte, buf, n);
		} else {
			n = MIN(grain - skip, len_bytes);
			r = read_part(image, offset_byte, buf, n);
		}
		offset_byte += n;
		buf += n;
		len_bytes -= n;
	}
	return r;
}

int image_read(struct image *image, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	int r;

	if (!image->started)
		return -ENOKEY;
	if (!in_range(image, len_bytes, offset_byte))
		return -EINVAL;
	(void)pthread_rwlock_rdlock(&image->io);
	r = read_bytes(image, offset_byte, buf, len_bytes);
	(void)pthread_rwlock_unlock(&image->io);
	return r;
}

/* Under io. Whole grains, in one block; its bits must be all set afterwards by whole runs, which
 * the caller sees to. */
static int write_grains(struct image *image, uint64_t offset_byte, const uint8_t *data,
			size_t len_bytes)
{
	struct image_piece p;
	uint32_t entry;
	bool full;
	int r;

	if (image_is_fixed(image))
		return payload_write(image, offset_byte, offset_byte, data, len_bytes);
	p = image_piece(image, offset_byte, len_bytes);
	full = image_block_is_full(image, p.block, &entry);
	r = full ? 0 : image_block_place(image, p.block, &entry);
	if (r == 0)
		r = payload_write(image, vhd_map_data_byte(&image->map, entry) + p.first_byte,
				  offset_byte, data, len_bytes);
	if (r == 0 && !full)
		r = image_block_mark(image, p.block, p.first_byte / SECTOR, p.len_bytes / SECTOR,
				     true);
	return r;
}

/* Under io, alone. Part of one run: read, change and write all of it. */
static int write_edge(struct image *image, uint64_t offset_byte, const uint8_t *data,
		      size_t len_bytes)
{
	uint64_t start = offset_byte / RUN * RUN;
	size_t whole_bytes = (size_t)(run_end(image, offset_byte) - start);
	uint8_t whole[RUN];
	int r = read_bytes(image, start, whole, whole_bytes);

	if (r < 0)
		return r;
	memcpy(whole + (offset_byte - start), data, len_bytes);
	return write_grains(image, start, whole, whole_bytes);
}

/* How much from offset on can be written as it is: up to the border of the last whole run before
 * the end, and of the block. 0: there is an edge first. */
static size_t whole_runs(const struct image *image, uint64_t offset_byte, size_t len_bytes)
{
	uint64_t end = offset_byte + len_bytes;

	if (offset_byte % RUN != 0)
		return 0;
	if (end != image->info.virtual_bytes)
		end = end / RUN * RUN;
	if (!image_is_fixed(image))
		end = MIN(end, offset_byte + image->map.block_bytes -
				       offset_byte % image->map.block_bytes);
	return end > offset_byte ? (size_t)(end - offset_byte) : 0;
}

/* Is the run with this border's other half unwritten, so that it must be filled up? */
static int edge_needs_fill(struct image *image, uint64_t border_byte, bool *ret_needs)
{
	uint64_t start = border_byte / RUN * RUN;
	struct image_piece p;
	uint32_t entry, n;
	bool written;
	int r;

	*ret_needs = false;
	if (border_byte == start || border_byte == image->info.virtual_bytes)
		return 0;
	*ret_needs = border_byte % image->grain_bytes != 0;
	if (*ret_needs || image_is_fixed(image))
		return 0;
	p = image_piece(image, start, run_end(image, start) - start);
	r = image_block_run(image, p.block, p.first_byte / SECTOR, p.len_bytes / SECTOR, &entry,
			    &written, &n);
	*ret_needs = !written || n < p.len_bytes / SECTOR;
	return r;
}

/* Under io. With fill (then alone), edges are read, changed and written. */
static int write_bytes(struct image *image, uint64_t offset_byte, const uint8_t *data,
		       size_t len_bytes, bool fill)
{
	int r = 0;

	while (r == 0 && len_bytes > 0) {
		size_t n = whole_runs(image, offset_byte, len_bytes);

		if (n > 0) {
			r = write_grains(image, offset_byte, data, n);
		} else {
			n = MIN((size_t)(run_end(image, offset_byte) - offset_byte), len_bytes);
			r = fill ? write_edge(image, offset_byte, data, n)
				 : write_grains(image, offset_byte, data, n);
		}
		offset_byte += n;
		data += n;
		len_bytes -= n;
	}
	return r;
}

int image_write(struct image *image, const void *buf, size_t len_bytes, uint64_t offset_byte)
{
	bool head, tail = false;
	int r = image_may_write(image);

	if (r == 0 && !in_range(image, len_bytes, offset_byte))
		r = -EINVAL;
	if (r < 0)
		return r;
	(void)pthread_rwlock_rdlock(&image->io);
	r = edge_needs_fill(image, offset_byte, &head);
	if (r == 0 && !head)
		r = edge_needs_fill(image, offset_byte + len_bytes, &tail);
	if (r == 0 && (head || tail)) { /* others must not fill up the same run meanwhile */
		(void)pthread_rwlock_unlock(&image->io);
		(void)pthread_rwlock_wrlock(&image->io);
	}
	if (r == 0)
		r = write_bytes(image, offset_byte, buf, len_bytes, head || tail);
	(void)pthread_rwlock_unlock(&image->io);
	return r;
}
