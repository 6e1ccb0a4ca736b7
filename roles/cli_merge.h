/* cli_merge.h - move what layers hold into another image, and prove that it is there. */
#ifndef ROLES_CLI_MERGE_H
#define ROLES_CLI_MERGE_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/image.h"

/* All that `from` holds itself (its parents do not count), written to `to` and flushed. */
int cli_merge_own(struct image *from, struct image *to, uint64_t *ret_bytes);

/* All that the chain of `from` holds, to an empty `to`. */
int cli_merge_all(struct image *from, struct image *to, uint64_t *ret_bytes);

/* Do both read the same: everywhere, or (own) where `from` holds something itself? -EILSEQ: not,
 * at *ret_byte. */
int cli_merge_prove(struct image *from, struct image *to, bool own, uint64_t *ret_byte);

#endif
