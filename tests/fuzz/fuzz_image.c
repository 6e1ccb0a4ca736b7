/* A whole file: opened, read at both ends, and its map asked for; then opened for writing, where
 * what was written is there, what was zeroed is zeros, the rest is as it was, and the file opens
 * again. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhdcrypt/image.h"

enum { PART = 4096, BLOCK_MAX_BYTES = 4 << 20 /* larger ones cost memory, not thought */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct image *open_plain(int fd, enum image_mode mode)
{
	struct vhd_fault fault;
	struct image *image;

	if (image_open(fd, mode, &image, &fault) < 0)
		return NULL;
	if (image_set_plain(image) == 0)
		return image;
	(void)image_close(image);
	return NULL;
}

static void look(struct image *image)
{
	uint64_t bytes = image_info(image)->virtual_bytes;
	size_t n = bytes < PART ? (size_t)bytes : PART;
	struct image_extent extent;
	uint8_t buf[PART];

	(void)image_read(image, buf, n, 0);
	(void)image_read(image, buf, n, bytes - n);
	(void)image_extent(image, 0, bytes, &extent);
}

/* Space is not reserved here: a fuzzer's files are many. */
static int no_space(void *context, const struct store_event *event)
{
	(void)context;
	return event->op == STORE_RESERVE ? -EOPNOTSUPP : 0;
}

static void must_hold(struct image *image, const uint8_t *want, size_t n, uint64_t at)
{
	uint8_t got[3 * PART];

	if (image_read(image, got, n, at) < 0 || memcmp(got, want, n) != 0)
		abort();
}

/* A write in the middle of three parts of 4 KiB, a zero behind it; then both again, reopened. */
static void change(int fd, struct image *image, uint64_t at, size_t n)
{
	uint8_t want[3 * PART];
	size_t third = n / 3;

	image_watch(image, no_space, NULL);
	if (image_read(image, want, n, at) < 0 ||
	    image_write(image, "changed", 7, at + third) < 0) {
		(void)image_close(image);
		return;
	}
	memcpy(want + third, "changed", 7);
	must_hold(image, want, n, at);
	if (image_zero(image, third, at + n - third) == 0)
		memset(want + n - third, 0, third);
	must_hold(image, want, n, at);
	if (image_close(image) < 0)
		return;
	image = open_plain(fd, IMAGE_READ_ONLY);
	if (!image)
		abort();
	must_hold(image, want, n, at);
	(void)image_close(image);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct image *image;

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	image = open_plain(fd, IMAGE_READ_ONLY);
	if (image) {
		look(image);
		(void)image_close(image);
	}
	image = open_plain(fd, IMAGE_READ_WRITE);
	if (image) {
		const struct image_info *info = image_info(image);
		uint64_t n = info->virtual_bytes < 3 * PART ? info->virtual_bytes : 3 * PART;

		if (info->block_bytes <= BLOCK_MAX_BYTES && n >= 512)
			change(fd, image, (info->virtual_bytes - n) / 2, (size_t)n);
		else
			(void)image_close(image);
	}
	(void)close(fd);
	return 0;
}
