/* image_state.h - the inside of struct image: for image_*.c, nobody else.
 *
 * Locks, taken in this order:
 *   io      shared by who moves data; alone for read-modify-write, zeroing and punching
 *   commit  one round of commit at a time
 *   meta    table, bitmaps, pending list, end of the file; never held over a data transfer
 * Order of writes: new footer at the new end -> ciphertext -> bitmaps of new blocks -> sync ->
 * table entries and other bitmaps -> sync. So a crash leaves the old table and garbage behind. */
#ifndef VHDCRYPT_IMAGE_STATE_H
#define VHDCRYPT_IMAGE_STATE_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/bitmap_cache.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/store.h"
#include "vhdcrypt/vhd_map.h"

enum {
	IMAGE_PENDING_MAX = 512, /* new blocks between two commits: 1 GiB of the usual size */
	IMAGE_PUNCH_MAX = 4096,	 /* ranges whose space waits for a flush; more are kept allocated */
};

enum image_block_state {
	IMAGE_BLOCK_FULL = 1,	 /* every bit is set; those in the file may follow */
	IMAGE_BLOCK_PENDING = 2, /* not in the table on disk yet */
};

struct image_punch {
	uint32_t block;
	uint32_t first; /* sector in the block */
	uint32_t n;
};

struct image {
	struct store store;
	enum image_mode mode;
	struct image_info info;
	uint8_t footer[VHD_FORMAT_FOOTER_BYTES]; /* as it is in the file */
	bool started;				 /* cipher or plain was said */
	struct sector *cipher;			 /* lent; NULL: plain */
	uint32_t grain_bytes;			 /* what en- and decryption takes at once */
	struct image *parent;			 /* lent; NULL: a clear bit is zero */
	struct vhd_header header;		 /* not in a fixed disk */
	uint8_t header_raw[VHD_FORMAT_HEADER_BYTES];
	struct leaf_guard *guard; /* lent; NULL: nobody vouches for the metadata */
	pthread_rwlock_t io;
	pthread_mutex_t commit;
	pthread_mutex_t meta;
	uint64_t n_rounds_begun;  /* under meta */
	uint64_t last_round_done; /* under commit: the number of the last that succeeded */
	int broken;		  /* under meta: a failed sync; no further writes */
	/* a dynamic disk only, all under meta */
	struct vhd_map map;
	uint32_t *table;
	uint8_t *state; /* enum image_block_state bits, one byte to a block */
	struct bitmap_cache cache;
	uint32_t *pending;
	uint32_t n_pending;
	struct image_punch *punch;
	uint32_t n_punch;
	uint64_t batmap_byte; /* tapdisk's map, when something is set in it; else 0 */
	uint64_t batmap_bytes;
	uint64_t end_byte; /* behind the end footer: where the file grows */
};

/* A part of one block, as image_piece() cuts it. */
struct image_piece {
	uint32_t block;
	uint32_t first_byte; /* in the block */
	uint32_t len_bytes;
};

static inline bool image_is_fixed(const struct image *image)
{
	return image->info.block_bytes == 0;
}

/* Under meta. */
static inline void image_block_become(struct image *image, uint32_t block, uint8_t state)
{
	__atomic_store_n(&image->state[block], state, __ATOMIC_RELEASE);
}

/* Under io, and without meta: who takes away from a full block holds io alone, and an entry that was set
 * stays. Then *ret_entry is set. */
static inline bool image_block_is_full(const struct image *image, uint32_t block,
				       uint32_t *ret_entry)
{
	bool full = __atomic_load_n(&image->state[block], __ATOMIC_ACQUIRE) & IMAGE_BLOCK_FULL;

	if (full)
		*ret_entry = image->table[block];
	return full;
}

/* The piece at offset, at most len bytes and not beyond its block (dynamic disks). */
static inline struct image_piece image_piece(const struct image *image, uint64_t offset_byte,
					     uint64_t len_bytes)
{
	uint32_t block_bytes = image->map.block_bytes;
	uint32_t first = (uint32_t)(offset_byte % block_bytes);
	uint64_t room = block_bytes - first;

	return (struct image_piece){ .block = (uint32_t)(offset_byte / block_bytes),
				     .first_byte = first,
				     .len_bytes = (uint32_t)(len_bytes < room ? len_bytes : room) };
}

/* image_parent.c: bytes, or the extent, behind clear bits. */
int image_parent_read(struct image *image, void *buf, size_t len_bytes, uint64_t offset_byte);
int image_parent_extent(struct image *image, uint64_t offset_byte, uint64_t len_bytes,
			struct image_extent *ret_extent);

/* -EROFS, -EIO (broken), -ENOKEY or 0. */
int image_may_write(struct image *image);

/* image_footer.c: find the footer and its copy; fills image->footer and the footer part of info. */
int image_footer_load(struct image *image, struct vhd_fault *ret_fault);

/* image_batmap.c: keep tapdisk's map from being taken for blocks; before the first write, empty it,
 * because it would go on to call blocks full in which we have made holes. */
int image_batmap_load(struct image *image, struct vhd_fault *ret_fault);
int image_batmap_empty(struct image *image);

/* image_block.c: table and bitmaps. These take meta, and commit when the cache is full. */

/* Memory for bitmaps: when bytes may move, or a bitmap is looked at first; who only opens a layer
 * of a long chain needs none. Under meta, or alone. -ENOMEM. */
int image_block_ready(struct image *image);

/* How many sectors from first on (at most max) are alike, and whether they are written; the
 * block's table entry, VHD_MAP_HOLE if it has none. */
int image_block_run(struct image *image, uint32_t block, uint32_t first, uint32_t max,
		    uint32_t *ret_entry, bool *ret_written, uint32_t *ret_n);

/* The block's entry; a hole is given a place at the end of the file. -ENOSPC. */
int image_block_place(struct image *image, uint32_t block, uint32_t *ret_entry);

/* Sectors first..first+n are written now, or holes again. */
int image_block_mark(struct image *image, uint32_t block, uint32_t first, uint32_t n, bool written);

/* Give back the space of holes whose bits are clear in the file, too. After a commit. */
void image_block_punch(struct image *image);

/* image_guard.c: what LAYER.mac says, and is told; without one, all of these are 0. */

/* The metadata as it was just loaded. -EBADMSG. */
int image_guard_match(struct image *image, struct vhd_fault *ret_fault);

/* A block's bitmap as it was just read. -EILSEQ. */
int image_guard_check(struct image *image, uint32_t block, const uint8_t *bits);

/* Before metadata changes; before the bitmaps of these flights and their blocks' entries do; and
 * that this is on stable storage. */
int image_guard_begin(struct image *image);
int image_guard_note(struct image *image);
int image_guard_sync(struct image *image);

/* Everything is flushed: the layer is closed. */
int image_guard_end(struct image *image);

/* image_commit.c */

/* One round: everything marked before the call is stable when it returns 0. */
int image_commit(struct image *image);

#endif
