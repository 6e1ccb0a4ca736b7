#include "vhdcrypt/convert.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include "base/util.h"
#include "vhdcrypt/convert_state.h"
#include "vhdcrypt/image_scrub.h"
#include "vhdcrypt/image_where.h"
#include "vhdcrypt/kdf.h"

static int make_cipher(const struct secret *key, uint32_t sector_bytes, const uint8_t *disk,
		       struct sector **ret, uint8_t ret_name[JOURNAL_KEY_NAME_BYTES])
{
	if (!key)
		return sector_bytes == 0 ? 0 : -EINVAL;
	if (key->len_bytes != SECTOR_KEY_BYTES)
		return -EINVAL;
	kdf_fingerprint(key, disk, ret_name);
	return sector_new(key->bytes, sector_bytes, ret);
}

static int set_head(struct convert *c)
{
	const struct convert_order *o = &c->order;
	const struct image_info *info = image_info(c->image);
	struct journal_head *h = &c->head;
	int r;

	if (!o->from && !o->to)
		return -EINVAL;
	h->direction = !o->from ? JOURNAL_ENCRYPT : !o->to ? JOURNAL_DECRYPT : JOURNAL_REKEY;
	h->disk_bytes = info->virtual_bytes;
	h->from_sector_bytes = o->from_sector_bytes;
	h->to_sector_bytes = o->to_sector_bytes;
	h->window_bytes = o->window_bytes ? o->window_bytes : JOURNAL_WINDOW_BYTES;
	memcpy(h->disk, info->footer.uuid, sizeof(h->disk));
	c->grain_bytes = o->from_sector_bytes == 4096 || o->to_sector_bytes == 4096 ? 4096 : 512;
	if (h->disk_bytes % c->grain_bytes != 0)
		return -EINVAL;
	r = make_cipher(o->from, o->from_sector_bytes, h->disk, &c->from, h->from_key);
	if (r == 0)
		r = make_cipher(o->to, o->to_sector_bytes, h->disk, &c->to, h->to_key);
	/* the same key twice would make old and new alike */
	if (r == 0 && memcmp(h->from_key, h->to_key, sizeof(h->to_key)) == 0)
		r = -EINVAL;
	return r;
}

/* How much is to be done, and whether all of it is whole sectors of both ciphers. */
static int count_data(struct convert *c)
{
	uint64_t end = c->head.disk_bytes;
	struct image_where where;

	for (uint64_t at = 0; at < end; at += where.len_bytes) {
		int r = image_where(c->image, at, end - at, &where);

		if (r < 0)
			return r;
		if (where.hole)
			continue;
		if ((at | where.len_bytes) % c->grain_bytes != 0)
			return -EINVAL;
		c->head.data_bytes += where.len_bytes;
	}
	return 0;
}

static void set_start(struct convert *c)
{
	const struct journal_record *last = &c->last;

	c->next_byte = last->end_byte;
	c->next_seq = last->seq + 1;
	c->first_unsynced = last->seq + 1;
	c->done_bytes = last->done_bytes + (uint64_t)last->n_sectors * CONVERT_SECTOR;
	memcpy(c->digest, last->digest, sizeof(c->digest));
}

int convert_open(const struct convert_order *order, struct convert **ret,
		 struct vhd_fault *ret_fault)
{
	struct convert *c = calloc(1, sizeof(*c));
	int r;

	if (!c)
		return -ENOMEM;
	c->order = *order;
	c->file.fd = order->image_fd;
	c->journal.fd = order->journal_fd;
	c->file.hook = c->journal.hook = order->hook;
	c->file.hook_context = order->image_context;
	c->journal.hook_context = order->journal_context;
	r = image_open_layer(order->image_fd, IMAGE_CONVERT, &c->image, ret_fault);
	if (r == 0)
		image_watch(c->image, order->hook, order->image_context);
	if (r == 0)
		r = set_head(c);
	if (r == 0)
		r = count_data(c);
	if (r == 0)
		r = convert_journal_open(c, ret_fault);
	if (r < 0) {
		convert_close(c);
		return r;
	}
	c->order.from = c->order.to = NULL;
	set_start(c);
	*ret = c;
	return 0;
}

void convert_close(struct convert *c)
{
	if (!c)
		return;
	(void)image_close(c->image); /* nothing was written through it but the mark */
	sector_free(c->from);
	sector_free(c->to);
	sodium_memzero(c, sizeof(*c));
	free(c);
}

static bool go_on(convert_tell *tell, void *context, enum convert_phase phase, uint64_t done,
		  uint64_t total)
{
	const struct convert_progress p = { phase, done, total };

	return !tell || tell(context, &p);
}

/* Everything written so far is on the disk. */
static int settle(struct convert *c)
{
	int r = store_sync(&c->file);

	if (r == 0)
		c->first_unsynced = c->next_seq;
	return r;
}

struct run {
	convert_tell *tell;
	void *context;
};

static int commit_window(struct convert *c, struct convert_window *w, void *context)
{
	const struct run *run = context;
	int r = convert_journal_put(c, w, JOURNAL_WINDOW);

	if (r == 0)
		r = convert_window_write(c, w);
	if (r < 0)
		return r;
	convert_window_digest(c, w, c->digest);
	c->next_seq = w->seq + 1;
	c->next_byte = w->end_byte;
	c->done_bytes += w->len_bytes;
	if (c->next_seq - c->first_unsynced >= CONVERT_SYNC_EVERY)
		r = settle(c);
	if (r == 0 &&
	    !go_on(run->tell, run->context, CONVERT_RUNNING, c->done_bytes, c->head.data_bytes))
		r = -ECANCELED;
	return r;
}

static int read_and_transform(struct convert *c, struct convert_window *w)
{
	int r = convert_window_read(c, w);

	return r < 0 ? r : convert_window_transform(c, w);
}

/* Windows that may be half written. All of their sectors are written again, also those that look
 * new: after a failed sync they may be so in the page cache alone. */
static int recover(struct convert *c, uint64_t *ret_byte)
{
	struct convert_window *w = NULL;
	struct journal_record record;
	int r;

	if (c->last.seq == 0 || c->last.phase != JOURNAL_WINDOW)
		return 0;
	r = convert_window_new(c, &w);
	for (uint64_t seq = c->last.first_unsynced; r == 0 && seq <= c->last.seq; seq++) {
		*ret_byte = c->last.start_byte;
		r = convert_journal_get(c, seq, &record, w);
		if (r == -ENODATA) /* its record must be there: others may not be overwritten */
			r = -EBADMSG;
		if (r == 0)
			r = convert_window_read(c, w);
		if (r == 0)
			r = convert_window_recover(c, w, ret_byte);
		if (r == 0)
			r = convert_window_write(c, w);
	}
	if (r == 0)
		convert_window_digest(c, w, c->digest);
	convert_window_free(w);
	return r < 0 ? r : settle(c);
}

int convert_run(struct convert *c, convert_tell *tell, void *context, uint64_t *ret_byte)
{
	struct run run = { tell, context };
	int r = 0;

	if (c->last.seq > 0 && c->last.phase != JOURNAL_WINDOW)
		return 0;
	if (c->last.seq == 0) /* a cut may have left one mark of two */
		r = image_poison(c->image, true);
	if (r == 0)
		r = recover(c, ret_byte);
	if (r == 0) {
		r = convert_pipe(c, read_and_transform, commit_window, &run);
		if (r == -ECANCELED && settle(c) < 0)
			r = -EIO;
	}
	if (r == 0 && c->head.direction == JOURNAL_ENCRYPT) {
		if (!go_on(tell, context, CONVERT_SCRUBBING, 0, 0))
			r = -ECANCELED;
		if (r == 0)
			r = image_scrub(c->image, &c->file);
	}
	if (r == 0)
		r = settle(c);
	return r < 0 ? r : convert_journal_put(c, NULL, JOURNAL_CONVERTED);
}

int convert_finish(struct convert *c)
{
	if (c->last.phase != JOURNAL_PROVEN)
		return -EINVAL;
	return image_poison(c->image, false);
}

enum journal_direction convert_direction(const struct convert *convert)
{
	return convert->head.direction;
}

const struct image_info *convert_image_info(const struct convert *convert)
{
	return image_info(convert->image);
}

bool convert_resumes(const struct convert *convert, uint64_t *ret_done_bytes)
{
	*ret_done_bytes = convert->done_bytes;
	return convert->resumes;
}
