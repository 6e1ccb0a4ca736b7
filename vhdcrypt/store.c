#include "vhdcrypt/store.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "vhdcrypt/hash_tree.h"

static int announce(const struct store *store, enum store_op op, uint64_t offset_byte,
		    uint64_t len_bytes, const void *data)
{
	const struct store_event event = { op, offset_byte, len_bytes, data };

	return store->hook ? store->hook(store->hook_context, &event) : 0;
}

int store_size(const struct store *store, uint64_t *ret_bytes)
{
	struct stat st;

	if (fstat(store->fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode))
		return -EINVAL;
	*ret_bytes = (uint64_t)st.st_size;
	return 0;
}

int store_read(const struct store *store, void *buf, size_t len_bytes, uint64_t offset_byte)
{
	uint8_t *at = buf;
	int r = announce(store, STORE_READ, offset_byte, len_bytes, NULL);

	if (r == 0 && store->tree)
		return hash_tree_read(store->tree, buf, len_bytes, offset_byte);
	while (r == 0 && len_bytes > 0) {
		ssize_t n = pread(store->fd, at, len_bytes, (off_t)offset_byte);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		offset_byte += (uint64_t)n;
		len_bytes -= (size_t)n;
	}
	return r;
}

int store_write(const struct store *store, const void *buf, size_t len_bytes, uint64_t offset_byte)
{
	const uint8_t *at = buf;
	int r = announce(store, STORE_WRITE, offset_byte, len_bytes, buf);

	while (r == 0 && len_bytes > 0) {
		ssize_t n = pwrite(store->fd, at, len_bytes, (off_t)offset_byte);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n < 0 ? -errno : -EIO;
		at += n;
		offset_byte += (uint64_t)n;
		len_bytes -= (size_t)n;
	}
	return r;
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
