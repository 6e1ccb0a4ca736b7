/* nbd_plugin.c - role `block`: one encrypted VHD over NBD, as an nbdkit plugin.
 *
 * nbdkit --foreground bulkhead-block.so fd=N mac_fd=N key_fd=N name=NAME   (socket by LISTEN_FDS)
 * The supervisor has dropped uid and capabilities and set no_new_privs. In after_fork, the one
 * callback that runs with the socket bound and a single thread, come in this order: locked memory,
 * libraries, the system call filter, the volume keys, the images' metadata. nbdkit accepts nobody
 * before it returns. */
#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NBDKIT_API_VERSION 2
#include <nbdkit-plugin.h>
#include <sodium.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/msg.h"
#include "base/reason.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "vhdcrypt/block_syscalls.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/volume.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum {
	/* locked memory is paid for per thread, and ours need little more than one 4 KiB buffer */
	STACK_BYTES = 256 * 1024,
	/* larger requests gain nothing, and nbdkit keeps a locked buffer of this size per thread */
	REQUEST_MAX_BYTES = 4 << 20,
};

static struct block {
	struct volume_fds fds;
	unsigned n_trees;
	int key_fd;
	const char *name;
	struct volume *volume;
	struct image *image; /* of the volume */
} block = { .key_fd = -1, .fds.mac = -1 };

static int add_layer(const char *value)
{
	struct volume_fds *fds = &block.fds;

	if (fds->n_layers == MSG_LAYERS) {
		nbdkit_error("fd=: a disk has at most %d layers", MSG_LAYERS);
		return -1;
	}
	return nbdkit_parse_int("fd", value, &fds->image[fds->n_layers++]);
}

static int add_tree(const char *value)
{
	if (block.n_trees + 1 >= MSG_LAYERS) {
		nbdkit_error("tree_fd=: a disk has at most %d of them", MSG_LAYERS - 1);
		return -1;
	}
	return nbdkit_parse_int("tree_fd", value, &block.fds.tree[++block.n_trees]);
}

static int block_config(const char *key, const char *value)
{
	if (strcmp(key, "fd") == 0)
		return add_layer(value);
	if (strcmp(key, "tree_fd") == 0)
		return add_tree(value);
	if (strcmp(key, "mac_fd") == 0)
		return nbdkit_parse_int("mac_fd", value, &block.fds.mac);
	if (strcmp(key, "key_fd") == 0)
		return nbdkit_parse_int("key_fd", value, &block.key_fd);
	if (strcmp(key, "name") == 0) {
		block.name = value;
		return 0;
	}
	nbdkit_error("parameter '%s' is unknown; there are fd, tree_fd, mac_fd, key_fd and name",
		     key);
	return -1;
}

static int block_config_complete(void)
{
	bool ok = block.fds.n_layers > 0 && block.fds.n_layers == block.n_trees + 1 &&
		  block.key_fd > 2 && block.name;

	for (unsigned i = 0; i < block.fds.n_layers; i++)
		ok = ok && block.fds.image[i] > 2 && block.fds.image[i] != block.key_fd;
	if (ok)
		return 0;
	nbdkit_error("fd=, key_fd= (two descriptors above 2) and name= are needed, and a tree_fd= "
		     "for each fd= but the first");
	return -1;
}

/* One line, whatever it was; the client learns EIO, or ENOSPC where that is the cause. */
static int report(const char *verb, int err, uint64_t offset_byte, uint64_t len_bytes)
{
	uint64_t byte;
	const char *layer;

	if (err == 0)
		return 0;
	if (err == -EILSEQ && volume_leaf_fault(block.volume, &layer, &byte))
		nbdkit_error("disk '%s': %s %" PRIu64 " bytes at %" PRIu64
			     ": the bitmap of block %" PRIu64
			     " of layer '%s' was altered: its leaf.mac says "
			     "otherwise; put back a copy of both files",
			     block.name, verb, len_bytes, offset_byte, byte, layer);
	else if (err == -EILSEQ && volume_fault(block.volume, &layer, &byte))
		nbdkit_error("disk '%s': %s %" PRIu64 " bytes at %" PRIu64 ": byte %" PRIu64
			     " of layer '%s' was altered: its hash tree says "
			     "otherwise; put back IT's copy of it",
			     block.name, verb, len_bytes, offset_byte, byte, layer);
	else
		nbdkit_error("disk '%s': %s %" PRIu64 " bytes at %" PRIu64 ": %s", block.name, verb,
			     len_bytes, offset_byte, strerror(-err));
	nbdkit_set_error(err == -ENOSPC ? ENOSPC : EIO);
	return -1;
}

static void *nothing(void *context)
{
	return context;
}

/* Everything that libraries do once and lazily, before the filter forbids it. */
static int prepare_process(void)
{
	pthread_attr_t attr;
	pthread_t first;

	/* a second arena would make glibc read /sys in a new thread */
	if (mallopt(M_ARENA_MAX, 1) != 1 || pthread_attr_init(&attr) != 0 ||
	    pthread_attr_setstacksize(&attr, STACK_BYTES) != 0 ||
	    pthread_setattr_default_np(&attr) != 0)
		return -EINVAL;
	/* with a process's first thread glibc installs signal handlers */
	if (pthread_create(&first, NULL, nothing, NULL) != 0 || pthread_join(first, NULL) != 0)
		return -EAGAIN;
	(void)pthread_attr_destroy(&attr);
	secret_lock_process();
	if (sodium_init() < 0)
		return -EIO;
	return sector_init();
}

static int wait_for_key(void)
{
	struct pollfd p = { .fd = block.key_fd, .events = POLLIN };

	/* a signal ends the wait and the process: there is nothing to serve yet */
	return poll(&p, 1, -1) < 0 ? -errno : 0;
}

/* The keys, and with them what the images have to be. */
static int open_disk(struct detail *ret_detail)
{
	OWNS_SECRET struct secret room = { 0 };
	int r = secret_new(&room, sizeof(struct msg_volume_key));

	if (r == 0)
		r = wait_for_key();
	if (r == 0)
		r = ipc_recv(block.key_fd, room.bytes, room.len_bytes, NULL);
	if (r < 0) {
		detail_set(ret_detail, "receive key: %s", strerror(-r));
		return r;
	}
	return volume_open(&block.fds, (struct msg_volume_key *)(void *)room.bytes, &block.volume,
			   ret_detail);
}

/* key's client hears of an unlocked disk only when we have said that this is its image. */
static int answer_key(int r, const struct detail *detail)
{
	struct msg_volume_ready ready = { .reason = r < 0 ? REASON_IMAGE : REASON_OK };
	int sent;

	static_assert(sizeof(ready.detail) == sizeof(detail->text), "detail");
	memcpy(ready.detail, detail->text, sizeof(ready.detail));
	sent = ipc_send(block.key_fd, &ready, sizeof(ready), -1);
	(void)close(block.key_fd);
	block.key_fd = -1;
	return r < 0 ? r : sent;
}

static int block_after_fork(void)
{
	struct detail detail = { 0 };
	int r;

	log_open("block");
	r = prepare_process();
	if (r < 0) {
		nbdkit_error("disk '%s': prepare the process: %s", block.name, strerror(-r));
		return -1;
	}
	sandbox_filter_threads(BLOCK_SYSCALLS);
	r = open_disk(&detail);
	r = answer_key(r, &detail);
	if (r < 0) {
		nbdkit_error("disk '%s': %s", block.name,
			     detail.text[0] ? detail.text : strerror(-r));
		return -1;
	}
	block.image = volume_image(block.volume);
	return 0;
}

static void block_cleanup(void)
{
	int r = volume_close(block.volume);

	if (r < 0)
		nbdkit_error("disk '%s': flush at the end: %s", block.name, strerror(-r));
	block.image = NULL;
	block.volume = NULL;
}

static void *block_open(int readonly)
{
	(void)readonly;
	return &block;
}

static int64_t block_get_size(void *handle)
{
	(void)handle;
	return (int64_t)image_info(block.image)->virtual_bytes;
}

static int block_yes(void *handle)
{
	(void)handle;
	return 1;
}

static int block_no(void *handle)
{
	(void)handle;
	return 0;
}

static int block_can_fua(void *handle)
{
	(void)handle;
	return NBDKIT_FUA_NATIVE;
}

static int block_size(void *handle, uint32_t *minimum, uint32_t *preferred, uint32_t *maximum)
{
	(void)handle;
	*minimum = 1;
	*preferred = 4096;
	*maximum = REQUEST_MAX_BYTES;
	return 0;
}

static int flush_if(uint32_t flags, int r)
{
	return r == 0 && flags & NBDKIT_FLAG_FUA ? image_flush(block.image) : r;
}

static int block_pread(void *handle, void *buf, uint32_t count, uint64_t offset, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return report("read", image_read(block.image, buf, count, offset), offset, count);
}

static int block_pwrite(void *handle, const void *buf, uint32_t count, uint64_t offset,
			uint32_t flags)
{
	int r = image_write(block.image, buf, count, offset);

	(void)handle;
	return report("write", flush_if(flags, r), offset, count);
}

static int block_zero(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	/* without MAY_TRIM the client wants to be sure of the space */
	bool hole = flags & NBDKIT_FLAG_MAY_TRIM;
	int r;

	(void)handle;
	if (flags & NBDKIT_FLAG_FAST_ZERO &&
	    (!hole || image_info(block.image)->footer.type != VHD_TYPE_DYNAMIC)) {
		nbdkit_set_error(EOPNOTSUPP); /* an answer, not an error: nothing for the log */
		return -1;
	}
	r = hole ? image_zero(block.image, count, offset) : image_fill(block.image, count, offset);
	return report("zero", flush_if(flags, r), offset, count);
}

static int block_trim(void *handle, uint32_t count, uint64_t offset, uint32_t flags)
{
	int r = image_trim(block.image, count, offset);

	(void)handle;
	return report("trim", flush_if(flags, r), offset, count);
}

static int block_flush(void *handle, uint32_t flags)
{
	(void)handle;
	(void)flags;
	return report("flush", image_flush(block.image), 0, 0);
}

static int block_extents(void *handle, uint32_t count, uint64_t offset, uint32_t flags,
			 struct nbdkit_extents *extents)
{
	uint64_t end = offset + count;

	(void)handle;
	while (offset < end) {
		struct image_extent e;
		int r = image_extent(block.image, offset, end - offset, &e);

		if (r < 0)
			return report("map", r, offset, end - offset);
		if (nbdkit_add_extent(extents, offset, e.len_bytes,
				      e.hole ? NBDKIT_EXTENT_HOLE | NBDKIT_EXTENT_ZERO : 0) < 0)
			return -1;
		offset += e.len_bytes;
		if (flags & NBDKIT_FLAG_REQ_ONE)
			break;
	}
	return 0;
}

static struct nbdkit_plugin plugin = {
	.name = "bulkhead-block",
	.longname = "Bulkhead encrypted VHD",
	.description = "Serves one encrypted VHD; started by bulkheadd, useless by hand.",
	.config = block_config,
	.config_complete = block_config_complete,
	.config_help = "fd=<N>      (required) descriptor of an image, the writable layer first\n"
		       "tree_fd=<N> (required for each fd= but the first) its hash tree\n"
		       "mac_fd=<N>  (required) the writable layer's MAC\n"
		       "key_fd=<N>  (required) socket that brings the volume key, once\n"
		       "name=<NAME> (required) the disk's name in messages",
	.after_fork = block_after_fork,
	.cleanup = block_cleanup,
	.open = block_open,
	.get_size = block_get_size,
	.block_size = block_size,
	.can_write = block_yes,
	.can_flush = block_yes,
	.can_trim = block_yes,
	.can_zero = block_yes,
	.can_fast_zero = block_yes, /* also: with "no", nbdkit 1.32 dies of a client that asks */
	.can_extents = block_yes,
	.can_multi_conn = block_yes,
	.can_fua = block_can_fua,
	.is_rotational = block_no,
	.pread = block_pread,
	.pwrite = block_pwrite,
	.flush = block_flush,
	.trim = block_trim,
	.zero = block_zero,
	.extents = block_extents,
};

struct nbdkit_plugin *plugin_init(void);
NBDKIT_REGISTER_PLUGIN(plugin)
