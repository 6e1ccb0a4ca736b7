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

#include <stdint.h>

#include "base/secret.h"
#include "roles/cli_progress.h"
#include "vhdcrypt/image.h"

struct cli_disk_counts {
	uint64_t disk_bytes;
	uint64_t data_bytes; /* what is not a hole */
};

/* Copy all of `from` to `to`: data as data, holes as holes where `to` can have them; flush.
 * 0 or negative errno. */
int cli_disk_copy(struct image *from, struct image *to, struct cli_progress *progress);

/* The same into an empty raw file (fd lent), which is sparse. */
int cli_disk_copy_raw(struct image *from, int fd, struct cli_progress *progress);

/* The proof: what is in the file (fd lent) is read back from the disk, not from the page cache where
 * that can be avoided, and compared with all of `from`, whose bytes are read anew, too.
 * 0; -EILSEQ: they differ, *ret_byte is where; other errno. A VHD that cannot be opened: -EILSEQ. */
int cli_disk_prove(struct image *from, int vhd_fd, struct cli_progress *progress,
		   struct cli_disk_counts *ret, uint64_t *ret_byte);
int cli_disk_prove_raw(struct image *from, int fd, struct cli_progress *progress,
		       struct cli_disk_counts *ret, uint64_t *ret_byte);

/* The same of an encrypted copy: its raw sectors are decrypted by volume_key, and none may equal its
 * plaintext: -ENOKEY. */
int cli_disk_prove_encrypted(struct image *from, int vhd_fd, const struct secret *volume_key,
			     uint32_t sector_bytes, struct cli_progress *progress,
			     struct cli_disk_counts *ret, uint64_t *ret_byte);

#endif
