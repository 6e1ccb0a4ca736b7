#include "roles/cli_merge_room.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/util.h"
#include "roles/cli.h"
#include "roles/cli_vhd.h"
#include "vhdcrypt/image_where.h"
#include "vhdcrypt/vhd_map.h"

/* The mark, a MAC (doc/formats.md: 16 bytes for each 2 MiB of a disk) and the record of the layers. */
enum { BESIDES_BYTES = 64 << 10, MAC_SHARE = (2 << 20) / 16 };

/* A file system that cannot reserve is no error, as in store.h. */
static int reserve(int fd, uint64_t at, uint64_t len_bytes)
{
	int r;

	do
		r = fallocate(fd, FALLOC_FL_KEEP_SIZE, (off_t)at, (off_t)len_bytes) < 0 ? -errno
											: 0;
	while (r == -EINTR);
	return r == -EOPNOTSUPP ? 0 : r;
}

/* One piece of the leaf's data: its place, or one more block (*io_block: the last that was counted). */
static int reserve_piece(int fd, struct image *below, uint64_t at, uint64_t len_bytes,
			 uint64_t *io_block, uint64_t *io_blocks)
{
	uint32_t block_bytes = image_info(below)->block_bytes;
	struct image_where w;
	int r = 0;

	for (uint64_t end = at + len_bytes; r == 0 && at < end; at += w.len_bytes) {
		r = image_where(below, at, end - at, &w);
		if (r == 0 && w.placed)
			r = reserve(fd, w.file_byte, w.len_bytes);
		else if (r == 0 && *io_block != at / block_bytes) {
			*io_block = at / block_bytes;
			++*io_blocks;
		}
	}
	return r;
}

static int reserve_all(int fd, uint64_t file_bytes, struct image *leaf, struct image *below)
{
	const struct image_info *info = image_info(below);
	uint64_t size = MIN(image_info(leaf)->virtual_bytes, info->virtual_bytes);
	uint64_t block = UINT64_MAX, blocks = 0;
	struct image_extent e;
	int r = 0;

	for (uint64_t at = 0; r == 0 && at < size; at += e.len_bytes) {
		r = image_own_extent(leaf, at, size - at, &e);
		if (r == 0 && !e.hole)
			r = reserve_piece(fd, below, at, e.len_bytes, &block, &blocks);
	}
	if (r < 0)
		return r;
	/* a block, its bitmap, and what brings its data to a 4 KiB border */
	blocks *= (uint64_t)info->block_bytes + info->block_bytes / 4096 + 2 * VHD_MAP_RUN_BYTES;
	return reserve(fd, file_bytes, blocks + BESIDES_BYTES + size / MAC_SHARE);
}

int cli_merge_room_take(const struct cli_chain *chain, const char *what, struct cli_merge_room *ret)
{
	const struct cli_layer *below = &chain->layer[1];
	struct stat looked, opened;
	int r, status;

	*ret = (struct cli_merge_room){ .fd = openat(chain->folder.fd, below->name,
						     O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK |
							     O_NOCTTY) };
	if (ret->fd < 0 || fstat(ret->fd, &opened) < 0 || fstat(below->vhd_fd, &looked) < 0)
		return cli_errno(-errno, "%s: open '%s'", what, below->path);
	if (opened.st_dev != looked.st_dev || opened.st_ino != looked.st_ino)
		return cli_error(CLI_DAMAGED, "%s: '%s' was exchanged meanwhile", what,
				 below->path);
	status = cli_vhd_lock(what, below->path, ret->fd, false);
	if (status != 0)
		return status;
	r = reserve_all(ret->fd, (uint64_t)opened.st_size, chain->layer[0].image, below->image);
	(void)flock(ret->fd, LOCK_UN); /* who writes it locks it by a descriptor of his own */
	if (r == -ENOSPC)
		return cli_error(CLI_FAILED,
				 "%s: there is no room for what '%s' would become; nothing was "
				 "changed: make room on its file system",
				 what, below->path);
	return r < 0 ? cli_errno(r, "%s: reserve room for '%s'", what, below->path) : 0;
}

void cli_merge_room_give(struct cli_merge_room *room)
{
	struct stat st;

	/* to the length that it has while nobody may change that */
	if (room->fd >= 0 && flock(room->fd, LOCK_EX | LOCK_NB) == 0 && fstat(room->fd, &st) == 0)
		(void)!ftruncate(room->fd, st.st_size); /* it stays reserved, that is all */
	if (room->fd >= 0)
		(void)close(room->fd);
	room->fd = -1;
}
