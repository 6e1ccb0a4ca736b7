#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/convert_state.h"
#include "vhdcrypt/image_where.h"

enum { CHUNK_BYTES = 64 * 1024 }; /* summed, encrypted and folded while it is in the cache */

int convert_window_new(const struct convert *c, struct convert_window **ret)
{
	struct convert_window *w = calloc(1, sizeof(*w));

	if (!w)
		return -ENOMEM;
	/* plaintext passes through: not into a core, not to swap when the limit allows it */
	w->room_bytes = c->head.window_bytes;
	w->data = mmap(NULL, w->room_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
		       0);
	if (w->data == MAP_FAILED) {
		free(w);
		return -ENOMEM;
	}
	(void)madvise(w->data, w->room_bytes, MADV_DONTDUMP);
	(void)mlock(w->data, w->room_bytes);
	*ret = w;
	return 0;
}

void convert_window_free(struct convert_window *window)
{
	if (!window)
		return;
	sodium_memzero(window->data, window->room_bytes);
	(void)munmap(window->data, window->room_bytes);
	free(window);
}

static void add_run(struct convert_window *w, uint64_t disk_byte, uint64_t file_byte, uint32_t n)
{
	struct convert_run *last = w->n_runs ? &w->run[w->n_runs - 1] : NULL;

	w->len_bytes += n;
	w->end_byte = disk_byte + n;
	if (last && last->disk_byte + last->len_bytes == disk_byte &&
	    last->file_byte + last->len_bytes == file_byte)
		last->len_bytes += n;
	else
		w->run[w->n_runs++] = (struct convert_run){ disk_byte, file_byte, n };
}

int convert_window_plan(struct convert *c, uint64_t start_byte, uint64_t seq,
			struct convert_window *ret)
{
	uint64_t end = c->head.disk_bytes, at = start_byte;
	struct image_where where;

	ret->seq = seq;
	ret->start_byte = ret->end_byte = start_byte;
	ret->n_runs = 0;
	ret->len_bytes = 0;
	while (at < end && ret->len_bytes < c->head.window_bytes &&
	       ret->n_runs < CONVERT_RUNS_MAX) {
		int r = image_where(c->image, at, end - at, &where);
		uint64_t room = c->head.window_bytes - ret->len_bytes;

		if (r < 0)
			return r;
		if (!where.hole) {
			where.len_bytes = MIN(where.len_bytes, room);
			/* half a crypto sector was written: nothing can decrypt that */
			if ((at | where.len_bytes) % c->grain_bytes != 0)
				return -EINVAL;
			add_run(ret, at, where.file_byte, (uint32_t)where.len_bytes);
		}
		at += where.len_bytes;
	}
	return 0;
}

int convert_window_read(struct convert *c, struct convert_window *w)
{
	uint32_t at = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < w->n_runs; i++) {
		r = store_read(&c->file, w->data + at, w->run[i].len_bytes, w->run[i].file_byte);
		at += w->run[i].len_bytes;
	}
	return r;
}

int convert_window_write(struct convert *c, const struct convert_window *w)
{
	uint32_t at = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < w->n_runs; i++) {
		r = store_write(&c->file, w->data + at, w->run[i].len_bytes, w->run[i].file_byte);
		store_start(&c->file, w->run[i].len_bytes, w->run[i].file_byte);
		at += w->run[i].len_bytes;
	}
	return r;
}

/* What is done to each chunk of a window: n bytes at `data`, of the disk's byte `disk_byte`. */
typedef int chunk_work(struct convert *c, struct convert_window *w, struct convert_sum *sum,
		       uint32_t at, uint64_t disk_byte, uint32_t n);

static int each_chunk(struct convert *c, struct convert_window *w, chunk_work *work)
{
	struct convert_sum *sum = NULL;
	uint32_t at = 0;
	int r = convert_sum_begin(c, w->seq, &sum);

	for (uint32_t i = 0; r == 0 && i < w->n_runs; i++) {
		const struct convert_run *run = &w->run[i];

		for (uint32_t in = 0, n; r == 0 && in < run->len_bytes; in += n) {
			n = MIN(run->len_bytes - in, (uint32_t)CHUNK_BYTES);
			r = work(c, w, sum, at, run->disk_byte + in, n);
			at += n;
		}
	}
	if (r == 0)
		r = convert_sum_end(sum, w->sum);
	convert_sum_free(sum);
	return r;
}

static int decrypt(struct sector *s, uint64_t disk_byte, uint8_t *data, uint32_t n)
{
	return s ? sector_decrypt(s, disk_byte / CONVERT_SECTOR, data, data, n) : 0;
}

static int encrypt(struct sector *s, uint64_t disk_byte, uint8_t *data, uint32_t n)
{
	return s ? sector_encrypt(s, disk_byte / CONVERT_SECTOR, data, data, n) : 0;
}

/* The side that is ciphertext is the one that tags are taken of. */
static bool tags_are_of_new(const struct convert *c)
{
	return c->to != NULL;
}

static void fold_chunk(struct convert_window *w, uint32_t at, uint32_t n)
{
	for (uint32_t i = 0; i < n; i += CONVERT_SECTOR)
		convert_sum_fold(w->data + at + i, w->tag[(at + i) / CONVERT_SECTOR]);
}

static int transform_chunk(struct convert *c, struct convert_window *w, struct convert_sum *sum,
			   uint32_t at, uint64_t disk_byte, uint32_t n)
{
	uint8_t *data = w->data + at;
	int r;

	if (!tags_are_of_new(c))
		fold_chunk(w, at, n);
	r = decrypt(c->from, disk_byte, data, n);
	if (r == 0)
		r = convert_sum_add(sum, data, n);
	if (r == 0)
		r = encrypt(c->to, disk_byte, data, n);
	if (r == 0 && tags_are_of_new(c))
		fold_chunk(w, at, n);
	return r;
}

int convert_window_transform(struct convert *c, struct convert_window *w)
{
	return each_chunk(c, w, transform_chunk);
}

static int open_chunk(struct convert *c, struct convert_window *w, struct convert_sum *sum,
		      uint32_t at, uint64_t disk_byte, uint32_t n)
{
	uint8_t *data = w->data + at, raw[CHUNK_BYTES];
	int r;

	memcpy(raw, data, n);
	r = decrypt(c->to, disk_byte, data, n);
	for (uint32_t i = 0; c->to && i < n && w->plain_byte == UINT64_MAX; i += CONVERT_SECTOR)
		if (memcmp(raw + i, data + i, CONVERT_SECTOR) == 0)
			w->plain_byte = disk_byte + i;
	return r < 0 ? r : convert_sum_add(sum, data, n);
}

int convert_window_open(struct convert *c, struct convert_window *w)
{
	w->plain_byte = UINT64_MAX;
	return each_chunk(c, w, open_chunk);
}

static bool tag_fits(const struct convert_window *w, uint32_t at, const uint8_t *sector)
{
	uint8_t tag[JOURNAL_TAG_BYTES];

	convert_sum_fold(sector, tag);
	return memcmp(tag, w->tag[at / CONVERT_SECTOR], sizeof(tag)) == 0;
}

/* One crypto sector at data + at. XTS transforms 16 bytes at a time, so what is half old and half
 * new in it comes out right by halves, too. */
static int recover_grain(struct convert *c, struct convert_window *w, uint32_t at,
			 uint64_t disk_byte, uint64_t *ret_byte)
{
	uint8_t *raw = w->data + at, plain[4096], other[4096];
	uint32_t n = c->grain_bytes;
	bool by_new = tags_are_of_new(c);
	int r;

	memcpy(other, raw, n);
	/* other: were raw old, this is new; or by_new is false, and were raw new, this is old */
	r = decrypt(by_new ? c->from : NULL, disk_byte, other, n);
	if (r == 0)
		r = encrypt(by_new ? c->to : c->from, disk_byte, other, n);
	memcpy(plain, raw, n);
	if (r == 0 && !by_new)
		r = decrypt(c->from, disk_byte, plain, n);
	for (uint32_t i = 0; r == 0 && i < n; i += CONVERT_SECTOR) {
		if (tag_fits(w, at + i, raw + i)) {
			if (!by_new) /* it is old */
				memcpy(raw + i, plain + i, CONVERT_SECTOR);
		} else if (tag_fits(w, at + i, other + i)) {
			if (by_new) /* it was old */
				memcpy(raw + i, other + i, CONVERT_SECTOR);
		} else {
			*ret_byte = disk_byte + i;
			r = -EBADMSG;
		}
	}
	sodium_memzero(plain, sizeof(plain));
	sodium_memzero(other, sizeof(other));
	return r;
}

int convert_window_recover(struct convert *c, struct convert_window *w, uint64_t *ret_byte)
{
	uint32_t at = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < w->n_runs; i++)
		for (uint32_t in = 0; r == 0 && in < w->run[i].len_bytes; in += c->grain_bytes) {
			r = recover_grain(c, w, at, w->run[i].disk_byte + in, ret_byte);
			at += c->grain_bytes;
		}
	return r;
}

void convert_window_digest(const struct convert *c, const struct convert_window *w,
			   uint8_t digest[JOURNAL_DIGEST_BYTES])
{
	uint8_t text[JOURNAL_DIGEST_BYTES + JOURNAL_SUM_BYTES + 2 * 8], *at = text;
	const uint64_t number[] = { w->start_byte, w->len_bytes };

	memcpy(at, digest, JOURNAL_DIGEST_BYTES);
	at += JOURNAL_DIGEST_BYTES;
	memcpy(at, w->sum, sizeof(w->sum));
	at += sizeof(w->sum);
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < 8; i++)
			*at++ = (uint8_t)(number[n] >> (56 - 8 * i));
	(void)crypto_generichash(digest, JOURNAL_DIGEST_BYTES, text, sizeof(text), c->sum_key,
				 sizeof(c->sum_key));
}
