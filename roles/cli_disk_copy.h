/* cli_disk_copy.h - stream one disk into another, and prove that both are the same.
 *
 * `from` is a disk, or a chain by its leaf, ready to be read. What goes on is shown by *progress;
 * cli_stop_begin() comes before: -ECANCELED means that somebody asked to stop.
 *
 * Holes are told by extents and never read, so terabytes of them cost nothing. That is sound: a hole
 * has no bytes anywhere, both readers make its zeros up from the very maps that the extents come
 * from, and the proof reads the maps of what was written anew, from the file. */
#ifndef ROLES_CLI_DISK_COPY_H
#define ROLES_CLI_DISK_COPY_H

#include <stdbool.h>
#include <stdint.h>

#include "roles/cli_progress.h"
#include "vhdcrypt/image.h"

struct cli_disk_counts {
	uint64_t disk_bytes;
	uint64_t data_bytes; /* what is not a hole */
};

/* Copy all of `from` to `to`: data as data, holes as holes where `to` can have them; flush.
 * 0 or negative errno. */
int cli_disk_copy(struct image *from, struct image *to, struct cli_progress *progress);

/* All of `from`, in one new VHD of its UUID and size on an empty vhd_fd: cipher NULL:
 * plain. */
int cli_disk_copy_whole(struct image *from, int vhd_fd, struct sector *cipher,
			struct cli_progress *progress);

/* The same into an empty raw file (fd lent), which is sparse. */
int cli_disk_copy_raw(struct image *from, int fd, struct cli_progress *progress);

/* All that `from` shows, or (own) what this one layer holds, written to `to` and flushed. Zeros become
 * holes where nothing below `to` would show. ret_data_bytes: how much that was. */
int cli_disk_merge_into(struct image *from, bool own, struct image *to,
			struct cli_progress *progress, uint64_t *ret_data_bytes);

/* The proof: what is in the file (fd lent) is read back from the disk, not from the page cache where
 * that can be avoided, and compared with all of `from`, whose bytes are read anew, too.
 * 0; -EILSEQ: they differ, *ret_byte is where; other errno. A VHD that cannot be opened: -EILSEQ.
 * cipher: what is in the file is ciphertext of it, and none may equal its plaintext: -ENOKEY; NULL:
 * it is plain. */
int cli_disk_prove(struct image *from, int vhd_fd, struct sector *cipher,
		   struct cli_progress *progress, struct cli_disk_counts *ret, uint64_t *ret_byte);
int cli_disk_prove_raw(struct image *from, int fd, struct cli_progress *progress,
		       struct cli_disk_counts *ret, uint64_t *ret_byte);

/* The same of all that `from` shows, or (own) of what this one layer holds, against an image that is open
 * (its fd is to_fd). */
int cli_disk_prove_merged(struct image *from, bool own, struct image *to, int to_fd,
			  struct cli_progress *progress, uint64_t *ret_byte);

#endif
