#include "roles/cli_disk_upon.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/util.h"
#include "roles/cli.h"
#include "vhdcrypt/hash_tree.h"

enum { CHUNK_BYTES = 1024 * 1024 };

int cli_disk_upon_copy(int source_fd, int vhd_fd, const char *what)
{
	OWNS_HEAP uint8_t *chunk = malloc(CHUNK_BYTES);
	uint64_t size_bytes, at = 0;
	int r = chunk ? file_size(source_fd, &size_bytes) : -ENOMEM;

	while (r == 0 && at < size_bytes) {
		size_t n = MIN((uint64_t)CHUNK_BYTES, size_bytes - at);

		r = file_read(source_fd, chunk, n, at);
		if (r == 0)
			r = file_write(vhd_fd, chunk, n, at);
		at += n;
	}
	if (r == 0 && fsync(vhd_fd) < 0)
		r = -errno;
	return r < 0 ? cli_errno(r, "%s: copy the image", what) : 0;
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
