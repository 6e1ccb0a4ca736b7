/* A whole file: opened, read at both ends, and its map asked for. */
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vhdcrypt/image.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	int fd = memfd_create("image", MFD_CLOEXEC);
	struct image_extent extent;
	struct vhd_fault fault;
	struct image *image;
	char name[IMAGE_PARENT_NAMES_MAX][IMAGE_PARENT_NAME_BYTES];
	uint8_t buf[4096];

	if (fd < 0 || write(fd, data, size) != (ssize_t)size)
		abort();
	if (image_open(fd, IMAGE_READ_ONLY, &image, &fault) == 0) {
		uint64_t bytes = image_info(image)->virtual_bytes;
		size_t n = bytes < sizeof(buf) ? (size_t)bytes : sizeof(buf);

		image_set_plain(image);
		(void)image_read(image, buf, n, 0);
		(void)image_read(image, buf, n, bytes - n);
		(void)image_extent(image, 0, bytes, &extent);
		(void)image_close(image);
	}
	/* a layer alone: its own map, and what it says of its parent */
	if (image_open_layer(fd, IMAGE_READ_ONLY, &image, &fault) == 0) {
		(void)image_parent_names(image, name, &fault);
		(void)image_own_extent(image, 0, image_info(image)->virtual_bytes, &extent);
		(void)image_close(image);
	}
	(void)close(fd);
	return 0;
}
