/* vhd_cat FILE - a plain VHD's disk on standard output, through our engine, holes as holes. */
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

int main(int argc, char **argv)
{
	char text[VHD_FAULT_TEXT_BYTES];
	struct vhd_fault fault;
	struct image *image;
	int fd = argc == 2 ? open(argv[1], O_RDONLY | O_CLOEXEC) : -1;
	int r = fd < 0 ? -errno : image_open(fd, IMAGE_READ_ONLY, &image, &fault);

	if (r < 0) {
		fprintf(stderr, "vhd_cat: %s\n",
			r == -EBADMSG || r == -EOPNOTSUPP
				? vhd_fault_text(&fault, text, sizeof(text))
				: strerror(-r));
		return 1;
	}
	image_set_plain(image);
	r = copy(image);
	if (r < 0)
		fprintf(stderr, "vhd_cat: %s\n", strerror(-r));
	image_close(image);
	return r < 0;
}
