/* nbd_plugin.c - role `block`: one encrypted VHD over NBD, as an nbdkit plugin.
 *
 * nbdkit --foreground bulkhead-block.so fd=N key_fd=N name=NAME   (socket by LISTEN_FDS)
 * The supervisor has dropped uid and capabilities and set no_new_privs. In after_fork, the one
 * callback that runs with the socket bound and a single thread, come in this order: locked memory,
 * libraries, the system call filter, the image's metadata, the volume key. nbdkit accepts nobody
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
#include "base/sandbox.h"
#include "base/secret.h"
#include "vhdcrypt/block_syscalls.h"
#include "vhdcrypt/image.h"

#define THREAD_MODEL NBDKIT_THREAD_MODEL_PARALLEL

enum {
	/* locked memory is paid for per thread, and ours need little more than one 4 KiB buffer */
	STACK_BYTES = 256 * 1024,
	/* larger requests gain nothing, and nbdkit keeps a locked buffer of this size per thread */
	REQUEST_MAX_BYTES = 4 << 20,
};

static struct block {
	int fd;
	int key_fd;
	const char *name;
	struct image *image;
	struct sector *cipher;
} block = { .fd = -1, .key_fd = -1 };

static int block_config(const char *key, const char *value)
{
	if (strcmp(key, "fd") == 0)
		return nbdkit_parse_int("fd", value, &block.fd);
	if (strcmp(key, "key_fd") == 0)
		return nbdkit_parse_int("key_fd", value, &block.key_fd);
	if (strcmp(key, "name") == 0) {
		block.name = value;
		return 0;
	}
	nbdkit_error("parameter '%s' is unknown; there are fd, key_fd and name", key);
	return -1;
}

static int block_config_complete(void)
{
	if (block.fd > 2 && block.key_fd > 2 && block.fd != block.key_fd && block.name)
		return 0;
	nbdkit_error("fd=, key_fd= (two descriptors above 2) and name= are needed");
	return -1;
}

/* One line, whatever it was; the client learns EIO, or ENOSPC where that is the cause. */
static int report(const char *verb, int err, uint64_t offset_byte, uint64_t len_bytes)
{
	if (err == 0)
		return 0;
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

static int open_image(void)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	int r = image_open(block.fd, IMAGE_READ_WRITE, &block.image, &fault);

	if (r == -EBADMSG || r == -EOPNOTSUPP)
		nbdkit_error("disk '%s': open image: %s", block.name,
			     vhd_fault_text(&fault, text, sizeof(text)));
	else if (r < 0)
		nbdkit_error("disk '%s': open image: %s", block.name, strerror(-r));
	return r;
}

/* Is this key for this very image? */
static int check_key(const struct msg_volume_key *msg)
{
	const struct image_info *info = image_info(block.image);

	if (memcmp(msg->disk_uuid, info->footer.uuid, sizeof(msg->disk_uuid)) != 0) {
		nbdkit_error("disk '%s': the key is for an image with another UUID", block.name);
		return -EPERM;
	}
	if (msg->disk_bytes != info->virtual_bytes) {
		nbdkit_error("disk '%s': the key is for a disk of %" PRIu64
			     " bytes, the image has %" PRIu64,
			     block.name, msg->disk_bytes, info->virtual_bytes);
		return -EPERM;
	}
	return 0;
}

static int wait_for_key(void)
{
	struct pollfd p = { .fd = block.key_fd, .events = POLLIN };

	/* a signal ends the wait and the process: there is nothing to serve yet */
	return poll(&p, 1, -1) < 0 ? -errno : 0;
}

static int take_key(void)
{
	OWNS_SECRET struct secret room = { 0 };
	struct msg_volume_key *msg;
	int r = secret_new(&room, sizeof(*msg));

	if (r == 0)
		r = wait_for_key();
	if (r == 0)
		r = ipc_recv(block.key_fd, room.bytes, room.len_bytes, NULL);
	(void)close(block.key_fd);
	block.key_fd = -1;
	if (r < 0) {
		nbdkit_error("disk '%s': receive key: %s", block.name, strerror(-r));
		return r;
	}
	msg = (struct msg_volume_key *)(void *)room.bytes;
	r = check_key(msg);
	if (r < 0)
		return r;
	r = sector_new(msg->key, msg->sector_bytes, &block.cipher);
	if (r == 0)
		r = image_set_cipher(block.image, block.cipher);
	if (r < 0)
		nbdkit_error("disk '%s': load key for sectors of %" PRIu32 " bytes: %s", block.name,
			     msg->sector_bytes, strerror(-r));
	return r;
}

static int block_after_fork(void)
{
	int r;

	log_open("block");
	r = prepare_process();
	if (r < 0) {
		nbdkit_error("disk '%s': prepare the process: %s", block.name, strerror(-r));
		return -1;
	}
	sandbox_filter_threads(BLOCK_SYSCALLS);
	return open_image() < 0 || take_key() < 0 ? -1 : 0;
}

static void block_cleanup(void)
{
	int r = image_close(block.image);

	if (r < 0)
		nbdkit_error("disk '%s': flush at the end: %s", block.name, strerror(-r));
	sector_free(block.cipher);
	block.image = NULL;
	block.cipher = NULL;
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
	int r = image_zero(block.image, count, offset);

	(void)handle;
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
	.config_help = "fd=<N>      (required) descriptor of the image\n"
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
	.can_fast_zero = block_no,
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
