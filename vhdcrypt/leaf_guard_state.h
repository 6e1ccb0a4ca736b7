/* leaf_guard_state.h - the inside of struct leaf_guard: for leaf_guard*.c, nobody else. */
#ifndef VHDCRYPT_LEAF_GUARD_STATE_H
#define VHDCRYPT_LEAF_GUARD_STATE_H

#include <pthread.h>

#include "vhdcrypt/leaf_guard.h"

enum {
	TAG = LEAF_MAC_TAG_BYTES,
	PAIR = LEAF_MAC_PAIR_BYTES,
	CHUNK_PAIRS = 2048, /* 64 KiB at once */
};

struct leaf_guard {
	struct store store;
	struct secret key;
	struct leaf_mac head; /* as in the file */
	bool was_dirty;
	uint32_t n_checked;
	uint64_t last_checked; /* block */
	uint64_t fault_block;
	pthread_mutex_t begin; /* two threads may be the first to write */
	uint64_t n_units;
	uint8_t (*tag)[TAG]; /* what each unit is, or becomes with the commit that is under way */
	uint8_t *changed;    /* a bit to a unit: its two tags in the file differ */
};

/* -EBADMSG: the value is the digest's first eight bytes. */
int leaf_guard_refuse(struct vhd_fault *ret_fault, const char *part, const char *field,
		      const uint8_t *digest, const char *rule);

/* A unit's tag; bits are not looked at when entry is a hole. */
void leaf_guard_tag(const struct leaf_guard *g, uint64_t unit, uint32_t entry, const uint8_t *bits,
		    uint8_t ret[TAG]);

/* Of all tags. */
void leaf_guard_digest(const struct leaf_guard *g, uint8_t ret[LEAF_MAC_DIGEST_BYTES]);

/* The unit's two tags in the file differ. */
void leaf_guard_mark(struct leaf_guard *g, uint64_t unit);

#endif
