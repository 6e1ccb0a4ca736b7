#include "roles/cli_disk_upon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "roles/cli.h"
#include "vhdcrypt/hash_tree.h"

enum { CHUNK_BYTES = 1024 * 1024 };

int cli_disk_upon_copy(int source_fd, int vhd_fd, const char *what)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);
	off_t at = 0;

	if (!chunk)
		return cli_errno(-ENOMEM, "%s: copy the image", what);
	for (;;) {
		ssize_t n = pread(source_fd, chunk, CHUNK_BYTES, at);

		if (n == 0)
			return fsync(vhd_fd) < 0 ? cli_errno(-errno, "%s: copy the image", what)
						 : 0;
		if (n < 0 || pwrite(vhd_fd, chunk, (size_t)n, at) != n)
			return cli_errno(n < 0 || errno ? -errno : -EIO, "%s: copy the image",
					 what);
		at += n;
	}
}

int cli_disk_upon_tree(int vhd_fd, int source_fd, int tree_fd, const char *what,
		       uint8_t ret_root[32])
{
	OWNS_FD int unused = source_fd < 0 ? -1 : memfd_create("tree", MFD_CLOEXEC);
	uint8_t root[HASH_TREE_BYTES];
	int r = hash_tree_build(vhd_fd, tree_fd, ret_root);

	if (r == 0 && source_fd >= 0)
		r = unused < 0 ? -ENOMEM : hash_tree_build(source_fd, unused, root);
	if (r < 0)
		return cli_errno(r, "%s: make the hash tree of '%s'", what, CLI_DISK_GOLD);
	if (source_fd >= 0 && memcmp(root, ret_root, sizeof(root)) != 0)
		return cli_error(CLI_FAILED,
				 "%s: the proof failed: what was written is not what was read",
				 what);
	return 0;
}

int cli_disk_upon_leaf(int leaf_fd, const struct image_info *gold, const uint8_t uuid[16],
		       const char *what)
{
	/* VHD 1.0: seconds since 2000-01-01 UTC */
	uint32_t timestamp_s = (uint32_t)(time(NULL) - 946684800);
	int r = image_create_child(leaf_fd, gold, CLI_DISK_GOLD ".vhd", uuid, timestamp_s);

	return r < 0 ? cli_errno(r, "%s: make the leaf", what) : 0;
}
