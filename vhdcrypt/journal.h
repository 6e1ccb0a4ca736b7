/* journal.h - the journal of a conversion in place, bytes to values and back.
 *
 * Pure: values in, values out. A head that never changes, then a ring of slots; record n is in slot
 * n % JOURNAL_SLOTS. Whether head and records are of this image and these keys is said by their
 * MACs, which are the caller's business. Layout and meaning: doc/formats.md, "Journal of a
 * conversion". All numbers are big-endian. */
#ifndef VHDCRYPT_JOURNAL_H
#define VHDCRYPT_JOURNAL_H

#include <stddef.h>
#include <stdint.h>

#include "vhdcrypt/vhd_fault.h"

enum {
	JOURNAL_VERSION = 2,
	JOURNAL_UUID_BYTES = 16,
	JOURNAL_KEY_NAME_BYTES = 32, /* a volume key's fingerprint; zeros: plain */
	JOURNAL_DIGEST_BYTES = 32,
	JOURNAL_SUM_BYTES = 16,
	JOURNAL_TAG_BYTES = 8, /* one per 512-byte sector of a window */
	JOURNAL_MAC_BYTES = 32,
	/* Of head and record: what the MAC covers, then the MAC. Tags come behind, covered, too. */
	JOURNAL_SIGNED_BYTES = 480,
	JOURNAL_FIXED_BYTES = JOURNAL_SIGNED_BYTES + JOURNAL_MAC_BYTES,
	/* On a disk a sync costs as much as writing some MiB: so large that three fit in 64 MiB with all else. */
	JOURNAL_WINDOW_BYTES = 10 << 20,
	JOURNAL_WINDOW_SECTORS = JOURNAL_WINDOW_BYTES / 512,
	JOURNAL_SLOTS = 8,
	JOURNAL_HEAD_ROOM_BYTES = 4096,
	JOURNAL_SLOT_BYTES = 4096 + JOURNAL_WINDOW_SECTORS * JOURNAL_TAG_BYTES,
	JOURNAL_BYTES = JOURNAL_HEAD_ROOM_BYTES + JOURNAL_SLOTS * JOURNAL_SLOT_BYTES,
};

enum journal_direction { JOURNAL_ENCRYPT = 1, JOURNAL_DECRYPT = 2, JOURNAL_REKEY = 3 };

enum journal_phase {
	JOURNAL_WINDOW = 1,    /* this window may be half written */
	JOURNAL_CONVERTED = 2, /* all windows are done and synced */
	JOURNAL_PROVEN = 3,    /* and were read back */
};

struct journal_head {
	enum journal_direction direction;
	uint8_t id[JOURNAL_UUID_BYTES];	  /* random: one conversion */
	uint8_t disk[JOURNAL_UUID_BYTES]; /* of the VHD's footer */
	uint64_t disk_bytes;
	uint64_t data_bytes;	    /* what is to be converted; the rest are holes */
	uint32_t from_sector_bytes; /* of the cipher, 512 or 4096; 0: plain */
	uint32_t to_sector_bytes;
	uint8_t from_key[JOURNAL_KEY_NAME_BYTES];
	uint8_t to_key[JOURNAL_KEY_NAME_BYTES];
	uint32_t window_bytes; /* most data in one window: whole 4 KiB */
};

struct journal_record {
	enum journal_phase phase;
	uint64_t seq;		 /* from 1 */
	uint64_t first_unsynced; /* windows before this one are on the disk */
	uint64_t start_byte;	 /* of the disk; JOURNAL_WINDOW: [start, end) */
	uint64_t end_byte;
	uint64_t done_bytes;		      /* of data_bytes, before this window */
	uint32_t n_sectors;		      /* of data in this window: so many tags */
	uint8_t digest[JOURNAL_DIGEST_BYTES]; /* of all plaintext before this window */
	uint8_t sum[JOURNAL_SUM_BYTES];	      /* of this window's plaintext */
};

/* -EBADMSG and *ret_fault: a field is none that we write. */
int journal_head_parse(const void *data, size_t len_bytes, struct journal_head *ret_head,
		       struct vhd_fault *ret_fault);

/* Fills JOURNAL_SIGNED_BYTES. */
void journal_head_build(const struct journal_head *head, uint8_t *ret_data);

/* The fixed part of a record; it must fit the head. -EBADMSG as above. */
int journal_record_parse(const void *data, size_t len_bytes, const struct journal_head *head,
			 struct journal_record *ret_record, struct vhd_fault *ret_fault);

/* Fills JOURNAL_SIGNED_BYTES. */
void journal_record_build(const struct journal_record *record, uint8_t *ret_data);

/* Where record seq is. */
static inline uint64_t journal_slot_byte(uint64_t seq)
{
	return JOURNAL_HEAD_ROOM_BYTES + seq % JOURNAL_SLOTS * JOURNAL_SLOT_BYTES;
}

#endif
