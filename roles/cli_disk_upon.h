/* cli_disk_upon.h - a check-out of two layers: an empty leaf upon an image that is never written. */
#ifndef ROLES_CLI_DISK_UPON_H
#define ROLES_CLI_DISK_UPON_H

#include <stdint.h>

#include "vhdcrypt/image.h"

/* The layer below, as its files and its lease name it. */
#define CLI_DISK_GOLD "gold"

/* Copy source_fd to vhd_fd (both lent) as it is, every byte. An exit status, after saying why. */
int cli_disk_upon_copy(int source_fd, int vhd_fd, const char *what);

/* Make the hash tree of what is in vhd_fd now. source_fd: of which it must be a true copy, proven by the
 * same root; -1: it is ciphertext, proven elsewhere. */
int cli_disk_upon_tree(int vhd_fd, int source_fd, int tree_fd, const char *what,
		       uint8_t ret_root[32]);

/* An empty layer upon it, on an empty descriptor. */
int cli_disk_upon_leaf(int leaf_fd, const struct image_info *gold, const uint8_t uuid[16],
		       const char *what);

#endif
