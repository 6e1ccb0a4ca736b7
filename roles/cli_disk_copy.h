/* cli_disk_copy.h - stream one disk into another, and prove that both are the same. */
#ifndef ROLES_CLI_DISK_COPY_H
#define ROLES_CLI_DISK_COPY_H

#include <stdint.h>

#include "base/secret.h"
#include "vhdcrypt/image.h"

struct cli_disk_counts {
	uint64_t disk_bytes;
	uint64_t data_bytes; /* what is not a hole */
};

/* Copy all of `from` to `to`: data as data, holes as holes where `to` can have them; flush.
 * 0 or negative errno. */
int cli_disk_copy(struct image *from, struct image *to, struct cli_disk_counts *ret);

/* The proof of an encrypted copy in encrypted_fd (lent): its raw sectors are read back from the
 * disk, not from the page cache where that can be avoided, decrypted by volume_key and compared
 * with `plain`, all of it. No raw sector may equal its plaintext.
 * 0; -EILSEQ: they differ, *ret_byte is where; -ENOKEY: plaintext is in the file; other errno. */
int cli_disk_copy_prove(struct image *plain, int encrypted_fd, const struct secret *volume_key,
			uint32_t sector_bytes, struct cli_disk_counts *ret, uint64_t *ret_byte);

/* Decrypted into a sparse raw file (fd lent, empty). 0 or negative errno. */
int cli_disk_copy_raw(struct image *from, int fd, struct cli_disk_counts *ret);

#endif
