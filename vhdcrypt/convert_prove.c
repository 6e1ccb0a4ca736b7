#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/convert_state.h"

enum { SAMPLES = 64 };

struct proof {
	convert_tell *tell;
	void *context;
	uint8_t digest[JOURNAL_DIGEST_BYTES];
	uint64_t done_bytes;
	uint64_t plain_byte; /* of the disk, with -ENOKEY */
	uint32_t n_samples;
	uint8_t sample[SAMPLES][CONVERT_SECTOR];
};

static bool go_on(const struct proof *p, enum convert_phase phase, uint64_t done, uint64_t total)
{
	const struct convert_progress progress = { phase, done, total };

	return !p->tell || p->tell(p->context, &progress);
}

static int read_and_open(struct convert *c, struct convert_window *w)
{
	int r = convert_window_read(c, w);

	return r < 0 ? r : convert_window_open(c, w);
}

/* One that says something: what is all alike is found in every file. */
static bool is_telling(const uint8_t *sector)
{
	return memcmp(sector, sector + 16, CONVERT_SECTOR - 16) != 0;
}

/* One sector of each 64th part of the data. */
static void take_sample(struct proof *p, const struct convert *c, const struct convert_window *w)
{
	if (p->n_samples == SAMPLES || p->done_bytes < c->head.data_bytes / SAMPLES * p->n_samples)
		return;
	for (uint32_t at = 0; at < w->len_bytes; at += CONVERT_SECTOR)
		if (is_telling(w->data + at)) {
			memcpy(p->sample[p->n_samples++], w->data + at, CONVERT_SECTOR);
			return;
		}
}

static int count_window(struct convert *c, struct convert_window *w, void *context)
{
	struct proof *p = context;

	convert_window_digest(c, w, p->digest);
	if (w->plain_byte != UINT64_MAX) {
		p->plain_byte = w->plain_byte;
		return -ENOKEY;
	}
	if (c->head.direction == JOURNAL_ENCRYPT)
		take_sample(p, c, w);
	p->done_bytes += w->len_bytes;
	return go_on(p, CONVERT_PROVING, p->done_bytes, c->head.data_bytes) ? 0 : -ECANCELED;
}

static bool holds_sample(const struct proof *p, const uint8_t *sector)
{
	for (uint32_t i = 0; i < p->n_samples; i++)
		if (memcmp(sector, p->sample[i], 8) == 0 &&
		    memcmp(sector, p->sample[i], CONVERT_SECTOR) == 0)
			return true;
	return false;
}

/* All of the file that is no hole of the file system: payload, holes of the VHD, gaps. */
static int scan(struct convert *c, struct proof *p, struct convert_window *w, uint64_t *ret_byte)
{
	uint64_t end = image_info(c->image)->file_bytes / CONVERT_SECTOR * CONVERT_SECTOR;
	off_t data;

	for (uint64_t at = 0; p->n_samples > 0 && at < end;) {
		uint32_t n;
		int r;

		data = lseek(c->file.fd, (off_t)at, SEEK_DATA);
		if (data < 0)
			return errno == ENXIO ? 0 : -errno; /* nothing more */
		at = (uint64_t)data / CONVERT_SECTOR * CONVERT_SECTOR;
		if (at >= end)
			break;
		n = (uint32_t)MIN(end - at, (uint64_t)w->room_bytes);
		r = store_read(&c->file, w->data, n, at);
		if (r < 0)
			return r;
		for (uint32_t i = 0; i < n; i += CONVERT_SECTOR)
			if (holds_sample(p, w->data + i)) {
				*ret_byte = at + i;
				return -ENOKEY;
			}
		at += n;
		if (!go_on(p, CONVERT_SCANNING, at, end))
			return -ECANCELED;
	}
	return 0;
}

static int prove(struct convert *c, struct proof *p, uint64_t *ret_byte)
{
	struct convert_window *w = NULL;
	int r;

	/* the windows as they were cut when converting */
	c->next_byte = 0;
	c->next_seq = 1;
	r = convert_pipe(c, read_and_open, count_window, p);
	*ret_byte = p->plain_byte;
	if (r == 0 && (p->done_bytes != c->head.data_bytes ||
		       sodium_memcmp(p->digest, c->last.digest, sizeof(p->digest)) != 0))
		r = -EILSEQ;
	if (r == 0 && c->head.direction == JOURNAL_ENCRYPT) {
		r = convert_window_new(c, &w);
		if (r == 0)
			r = scan(c, p, w, ret_byte);
		convert_window_free(w);
	}
	return r;
}

int convert_prove(struct convert *c, convert_tell *tell, void *context,
		  struct convert_proof *ret_proof, uint64_t *ret_byte)
{
	uint64_t next_seq = c->last.seq + 1;
	struct proof *p;
	int r;

	if (c->last.seq == 0 || c->last.phase == JOURNAL_WINDOW)
		return -EINVAL;
	p = calloc(1, sizeof(*p));
	if (!p)
		return -ENOMEM;
	p->tell = tell;
	p->context = context;
	r = store_sync(&c->file);
	(void)posix_fadvise(c->file.fd, 0, 0, POSIX_FADV_DONTNEED);
	if (r == 0)
		r = prove(c, p, ret_byte);
	c->next_byte = c->head.disk_bytes;
	c->next_seq = next_seq;
	if (r == 0 && c->last.phase != JOURNAL_PROVEN)
		r = convert_journal_put(c, NULL, JOURNAL_PROVEN);
	if (r == 0)
		*ret_proof = (struct convert_proof){ .disk_bytes = c->head.disk_bytes,
						     .data_bytes = c->head.data_bytes,
						     .n_samples = p->n_samples };
	sodium_memzero(p, sizeof(*p));
	free(p);
	return r;
}
