#include "vhdcrypt/store.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/file.h"
#include "vhdcrypt/hash_tree.h"

static int announce(const struct store *store, enum store_op op, uint64_t offset_byte,
		    uint64_t len_bytes, const void *data)
{
	const struct store_event event = { op, offset_byte, len_bytes, data };

	return store->hook ? store->hook(store->hook_context, &event) : 0;
}

int store_size(const struct store *store, uint64_t *ret_bytes)
{
	return file_size(store->fd, ret_bytes);
}

int store_read(const struct store *store, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	int r = announce(store, STORE_READ, offset_byte, len_bytes, NULL);

	if (r < 0)
		return r;
	return store->tree ? hash_tree_read(store->tree, buf, len_bytes, offset_byte)
			   : file_read(store->fd, buf, len_bytes, offset_byte);
}

int store_write(const struct store *store, const void *buf, size_t len_bytes, uint64_t offset_byte)
{
	int r = announce(store, STORE_WRITE, offset_byte, len_bytes, buf);

	return r < 0 ? r : file_write(store->fd, buf, len_bytes, offset_byte);
}

int store_sync(const struct store *store)
{
	int r = announce(store, STORE_SYNC, 0, 0, NULL);

	if (r < 0)
		return r;
	return fdatasync(store->fd) < 0 ? -errno : 0;
}

void store_start(const struct store *store, uint64_t len_bytes, uint64_t offset_byte)
{
	(void)sync_file_range(store->fd, (off_t)offset_byte, (off_t)len_bytes,
			      SYNC_FILE_RANGE_WRITE);
}

static int allocate(const struct store *store, int mode, uint64_t offset_byte, uint64_t len_bytes)
{
	while (fallocate(store->fd, mode, (off_t)offset_byte, (off_t)len_bytes) < 0)
		if (errno != EINTR)
			return -errno;
	return 0;
}

int store_reserve(const struct store *store, uint64_t offset_byte, uint64_t len_bytes)
{
	int r = announce(store, STORE_RESERVE, offset_byte, len_bytes, NULL);

	if (r == 0)
		r = allocate(store, 0, offset_byte, len_bytes);
	return r == -EOPNOTSUPP ? 0 : r;
}

int store_truncate(const struct store *store, uint64_t size_bytes)
{
	int r = announce(store, STORE_TRUNCATE, size_bytes, 0, NULL);

	if (r < 0)
		return r;
	return ftruncate(store->fd, (off_t)size_bytes) < 0 ? -errno : 0;
}

int store_punch(const struct store *store, uint64_t offset_byte, uint64_t len_bytes)
{
	int r = announce(store, STORE_PUNCH, offset_byte, len_bytes, NULL);

	if (r < 0)
		return r;
	return allocate(store, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, offset_byte, len_bytes);
}
