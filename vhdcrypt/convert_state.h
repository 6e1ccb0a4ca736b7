/* convert_state.h - the inside of struct convert: for convert*.c, nobody else.
 *
 * One thread (the caller's) commits windows in order; a few workers read and transform the next
 * ones. A window belongs to whom its state says. */
#ifndef VHDCRYPT_CONVERT_STATE_H
#define VHDCRYPT_CONVERT_STATE_H

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/convert.h"
#include "vhdcrypt/sector.h"
#include "vhdcrypt/store.h"

enum {
	CONVERT_SECTOR = 512,
	CONVERT_KEY_BYTES = 32,
	/* Stretches in one window; with 4 KiB stretches a window is full of data, too. */
	CONVERT_RUNS_MAX = JOURNAL_WINDOW_BYTES / 4096,
	/* The image is synced after so many windows; the records of all of them must stay. */
	CONVERT_SYNC_EVERY = 3,
};

static_assert(CONVERT_SYNC_EVERY < JOURNAL_SLOTS - 1, "a slot is free for the next record");

struct convert_run {
	uint64_t disk_byte;
	uint64_t file_byte;
	uint32_t len_bytes;
};

/* Data of one stretch of the disk, packed. */
struct convert_window {
	uint64_t seq;
	uint64_t start_byte, end_byte;
	uint32_t n_runs;
	uint32_t len_bytes; /* 0: nothing is left */
	struct convert_run run[CONVERT_RUNS_MAX];
	size_t room_bytes;
	uint8_t *data;
	uint8_t tag[JOURNAL_WINDOW_SECTORS][JOURNAL_TAG_BYTES];
	uint8_t sum[JOURNAL_SUM_BYTES];
	uint64_t plain_byte; /* of the disk, where the file holds plaintext; UINT64_MAX: nowhere */
};

struct convert {
	struct convert_order order; /* its keys are not looked at after opening */
	struct image *image;
	struct store file; /* the image's bytes */
	struct store journal;
	struct sector *from; /* NULL: plain */
	struct sector *to;
	struct journal_head head;
	uint8_t mac_key[CONVERT_KEY_BYTES];
	uint8_t sum_key[CONVERT_KEY_BYTES];
	uint32_t grain_bytes;	    /* stretches are whole multiples of it */
	bool resumes;		    /* the journal had records */
	struct journal_record last; /* the newest record; seq 0: none yet */
	/* where the next window begins, and what lies before it */
	uint64_t next_byte;
	uint64_t next_seq;
	uint64_t first_unsynced;
	uint64_t done_bytes;
	uint8_t digest[JOURNAL_DIGEST_BYTES];
};

/* ---- convert_window.c ---- */

int convert_window_new(const struct convert *c, struct convert_window **ret);
void convert_window_free(struct convert_window *window); /* wipes; accepts NULL */

/* The next window at or after start_byte: runs, len_bytes, end_byte. */
int convert_window_plan(struct convert *c, uint64_t start_byte, uint64_t seq,
			struct convert_window *ret);

int convert_window_read(struct convert *c, struct convert_window *w);
int convert_window_write(struct convert *c, const struct convert_window *w);

/* Old bytes to new ones; tags and sum on the way. */
int convert_window_transform(struct convert *c, struct convert_window *w);

/* Bytes that may be old or new, by sector, to new ones, judged by w->tag. -EBADMSG: *ret_byte. */
int convert_window_recover(struct convert *c, struct convert_window *w, uint64_t *ret_byte);

/* New bytes to plaintext, in place; sum; plain_byte when they should be ciphertext. */
int convert_window_open(struct convert *c, struct convert_window *w);

/* The digest of all plaintext up to and with this window. */
void convert_window_digest(const struct convert *c, const struct convert_window *w,
			   uint8_t digest[JOURNAL_DIGEST_BYTES]);

/* ---- convert_sum.c: what a sector, or a window of plaintext, is recognised by ---- */

/* 512 bytes of ciphertext, folded. */
void convert_sum_fold(const uint8_t *sector, uint8_t ret[JOURNAL_TAG_BYTES]);

struct convert_sum;
int convert_sum_begin(const struct convert *c, uint64_t seq, struct convert_sum **ret);
int convert_sum_add(struct convert_sum *sum, const void *data, size_t len_bytes);
int convert_sum_end(struct convert_sum *sum, uint8_t ret[JOURNAL_SUM_BYTES]);
void convert_sum_free(struct convert_sum *sum); /* accepts NULL */

/* ---- convert_journal.c ---- */

/* Read the journal, or fill an empty one; c->head is set but for id and fingerprints then. */
int convert_journal_open(struct convert *c, struct vhd_fault *ret_fault);

/* Write and sync the record of a window (with its tags), or of a phase (window NULL). */
int convert_journal_put(struct convert *c, const struct convert_window *w,
			enum journal_phase phase);

/* The record of window seq, with the window's runs planned and its tags read. */
int convert_journal_get(struct convert *c, uint64_t seq, struct journal_record *ret,
			struct convert_window *w);

/* ---- convert_pipe.c ---- */

/* All windows from c->next_byte on, read and transformed by workers, each given to `commit` in
 * order, by the caller's thread. */
int convert_pipe(struct convert *c, int (*work)(struct convert *c, struct convert_window *w),
		 int (*commit)(struct convert *c, struct convert_window *w, void *context),
		 void *context);

#endif
