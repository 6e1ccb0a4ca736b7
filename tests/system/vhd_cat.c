/* vhd_cat FILE [PARENT...] - a plain VHD's disk on standard output, through our engine, holes as
 * holes. PARENTs in their order, the base last. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhdcrypt/image.h"

enum { CHUNK_BYTES = 1 << 20 };

static int copy(struct image *image)
{
	static uint8_t buf[CHUNK_BYTES];
	uint64_t size = image_info(image)->virtual_bytes, at = 0;
	int r = 0;

	while (r == 0 && at < size) {
		struct image_extent e;

		r = image_extent(image, at, size - at, &e);
		if (r < 0)
			break;
		if (e.len_bytes > CHUNK_BYTES && !e.hole)
			e.len_bytes = CHUNK_BYTES;
		if (!e.hole) {
			r = image_read(image, buf, e.len_bytes, at);
			if (r == 0 && pwrite(STDOUT_FILENO, buf, e.len_bytes, (off_t)at) !=
					      (ssize_t)e.len_bytes)
				r = -errno;
		}
		at += e.len_bytes;
	}
	return r == 0 && ftruncate(STDOUT_FILENO, (off_t)size) < 0 ? -errno : r;
}

/* The layers from the base up, each the parent of the one before it in argv. */
static int open_chain(int n, char **path, struct image **layer, struct vhd_fault *fault)
{
	int r = 0;

	for (int i = n - 1; r == 0 && i >= 0; i--) {
		int fd = open(path[i], O_RDONLY | O_CLOEXEC);

		r = fd < 0 ? -errno : image_open_layer(fd, IMAGE_READ_ONLY, &layer[i], fault);
		if (r == 0 && i < n - 1)
			r = image_set_parent(layer[i], layer[i + 1], fault);
		if (r == 0)
			r = image_set_plain(layer[i]);
	}
	return r;
}

int main(int argc, char **argv)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct image *layer[IMAGE_CHAIN_MAX] = { NULL };
	struct vhd_fault fault = { 0 };
	int n = argc - 1,
	    r = n < 1 || n > IMAGE_CHAIN_MAX ? -EINVAL : open_chain(n, argv + 1, layer, &fault);

	if (r == 0)
		r = copy(layer[0]);
	if (r < 0)
		fprintf(stderr, "vhd_cat: %s\n",
			fault.part ? vhd_fault_text(&fault, text, sizeof(text)) : strerror(-r));
	for (int i = 0; i < n && i < IMAGE_CHAIN_MAX; i++)
		image_close(layer[i]);
	return r < 0;
}
