/* store.h - exact input and output on an image's one descriptor.
 *
 * Each call does all of its work or returns an error. A hook sees every call first: tests record
 * the stream of writes there, or answer with an error in the kernel's place. */
#ifndef VHDCRYPT_STORE_H
#define VHDCRYPT_STORE_H

#include <stddef.h>
#include <stdint.h>

enum store_op {
	STORE_READ,
	STORE_WRITE,
	STORE_SYNC,
	STORE_RESERVE,
	STORE_TRUNCATE,
	STORE_PUNCH,
};

struct store_event {
	enum store_op op;
	uint64_t offset_byte; /* STORE_TRUNCATE: the new size */
	uint64_t len_bytes;
	const void *data; /* STORE_WRITE */
};

/* A negative errno is returned in place of the operation; 0 lets it happen. Any thread. */
typedef int store_hook(void *context, const struct store_event *event);

struct hash_tree;

struct store {
	int fd;			/* lent */
	struct hash_tree *tree; /* lent; NULL: bytes are read as they are, else only as it says */
	store_hook *hook;
	void *hook_context;
};

/* -EINVAL: not a regular file. */
int store_size(const struct store *store, uint64_t *ret_bytes);

/* -EIO: the file ends before the range does; -EILSEQ: the bytes are not those of its tree. */
int store_read(const struct store *store, void *buf, size_t len_bytes, uint64_t offset_byte);

int store_write(const struct store *store, const void *buf, size_t len_bytes, uint64_t offset_byte);

/* fdatasync(): with it the file's size is stable, too. */
int store_sync(const struct store *store);

/* Space for a range that may lie behind the end, so that later writes to it cannot run out of it.
 * A file system that cannot do that is no error. */
int store_reserve(const struct store *store, uint64_t offset_byte, uint64_t len_bytes);

/* Let the kernel begin to write a range out, and do not wait: a store_sync() later has less to do.
 * Says and promises nothing, and hooks do not see it. */
void store_start(const struct store *store, uint64_t len_bytes, uint64_t offset_byte);

int store_truncate(const struct store *store, uint64_t size_bytes);

/* Give the space of a range back; it reads as zeros then. -EOPNOTSUPP: not here. */
int store_punch(const struct store *store, uint64_t offset_byte, uint64_t len_bytes);

#endif
