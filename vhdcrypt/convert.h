/* convert.h - change how an image is encrypted, in place: no second copy, and any kill resumes.
 *
 * Plain to encrypted, encrypted to plain, or to another volume key; fixed and dynamic images. Only
 * sectors that were ever written are touched, and no metadata but one mark: while it is there
 * (image_poison()), neither we nor stock tools open the image.
 *
 * How it survives: windows of 10 MiB of data, in the order of the disk. Before a window is written,
 * a record of it is synced to the journal: where it is, and eight bytes of each sector's ciphertext,
 * folded. By these a resume tells for every sector of the last few windows whether it is old or new;
 * a disk writes a 512-byte sector whole or not at all. What came before is synced, what comes
 * behind is untouched. The journal holds no plaintext, and is bound to the image and to the keys
 * by its MACs. doc/formats.md, "Journal of a conversion".
 *
 * The order of calls: open, run, prove, finish; then the journal may go. Each may be interrupted,
 * at any point, and begun again from open. Not for two threads. Needs sodium_init(). */
#ifndef VHDCRYPT_CONVERT_H
#define VHDCRYPT_CONVERT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/journal.h"

struct convert;

struct convert_order {
	int image_fd;	/* lent: regular, readable and writable, and locked against others */
	int journal_fd; /* the same; empty: this is the beginning */
	const struct secret *from;  /* a volume key; NULL: the image is plain now */
	const struct secret *to;    /* NULL: it is to be plain */
	uint32_t from_sector_bytes; /* of the cipher, 512 or 4096; 0 with NULL */
	uint32_t to_sector_bytes;
	uint32_t window_bytes; /* 0: JOURNAL_WINDOW_BYTES; for tests: smaller, whole 4 KiB */
	/* for tests: see, or fail, every input and output; a context for each file */
	store_hook *hook;
	void *image_context;
	void *journal_context;
};

enum convert_phase { CONVERT_RUNNING, CONVERT_SCRUBBING, CONVERT_PROVING, CONVERT_SCANNING };

struct convert_progress {
	enum convert_phase phase;
	uint64_t done_bytes;
	uint64_t total_bytes;
};

/* Called about once per window. False: stop at the next safe point. */
typedef bool convert_tell(void *context, const struct convert_progress *progress);

/* -EBADMSG: the image or the journal is damaged, *ret_fault says where; also when the image is
 * marked and the journal is empty, because nobody knows which sectors are converted.
 * -EOPNOTSUPP: a sound image of a kind that is not converted, likewise.
 * -EKEYREJECTED: the journal is of another image, direction or key.
 * -EINVAL: size or bitmaps do not fit the sectors of the cipher. -ENOSPC: no room for the journal.
 * Nothing is changed before convert_run(), but for an empty journal being filled. */
int convert_open(const struct convert_order *order, struct convert **ret,
		 struct vhd_fault *ret_fault);

/* Convert what is not yet. -ECANCELED: told to stop; all is synced. -EBADMSG: *ret_byte of the disk
 * is neither old nor new: damaged by something else. Other errors are the kernel's, and after
 * any of them convert_open() resumes. */
int convert_run(struct convert *convert, convert_tell *tell, void *context, uint64_t *ret_byte);

struct convert_proof {
	uint64_t disk_bytes;
	uint64_t data_bytes;
	uint32_t n_samples; /* sectors that were looked for in the whole file (JOURNAL_ENCRYPT) */
};

/* Read the file back, not from the page cache where that can be avoided, decrypt it anew and
 * compare with the digest that was taken while converting. To encrypt, also: no raw sector equals
 * its plaintext, and samples of the plaintext are nowhere in the file.
 * -EILSEQ: the digest differs; -ENOKEY: plaintext at *ret_byte (of the disk, or of the file when
 * scanning found it); -ECANCELED. */
int convert_prove(struct convert *convert, convert_tell *tell, void *context,
		  struct convert_proof *ret_proof, uint64_t *ret_byte);

/* Take the mark off. Only after convert_prove(), and after all that is needed to open the image by
 * its new key is on the disk. */
int convert_finish(struct convert *convert);

/* Accepts NULL. The descriptors stay open. */
void convert_close(struct convert *convert);

enum journal_direction convert_direction(const struct convert *convert);
const struct image_info *convert_image_info(const struct convert *convert);

/* Was this journal begun before? Then so many of data_bytes are done. */
bool convert_resumes(const struct convert *convert, uint64_t *ret_done_bytes);

#endif
