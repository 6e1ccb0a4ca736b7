/* vhd_layers cat LAYER... - what a chain reads as, on standard output, holes as holes.
 * vhd_layers work SEED N LAYER... - N random writes, zeros and trims in the last one; what it then
 *   reads as on standard output.
 *
 * LAYER is FILE (plain, or its ciphertext as it is) or FILE=KEYFILE (64 bytes, 512-byte sectors), from
 * the base to the leaf. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vhdcrypt/image.h"

enum { CHUNK_BYTES = 1 << 20 };

static _Noreturn void die(const char *what, int r, const struct vhd_fault *fault)
{
	char text[VHD_FAULT_TEXT_BYTES];

	fprintf(stderr, "vhd_layers: %s: %s\n", what,
		fault && (r == -EBADMSG || r == -EOPNOTSUPP)
			? vhd_fault_text(fault, text, sizeof(text))
			: strerror(-r));
	exit(1);
}

static struct image *open_layer(char *arg, struct image *parent, enum image_mode mode)
{
	char *key_path = strchr(arg, '=');
	struct sector *cipher = NULL;
	uint8_t key[SECTOR_KEY_BYTES];
	struct vhd_fault fault;
	struct image *image;
	int fd, r;

	if (key_path) {
		*key_path++ = '\0';
		fd = open(key_path, O_RDONLY | O_CLOEXEC);
		if (fd < 0 || read(fd, key, sizeof(key)) != sizeof(key))
			die(key_path, -EIO, NULL);
		r = sector_new(key, 512, &cipher);
		if (r < 0)
			die(key_path, r, NULL);
	}
	fd = open(arg, (mode == IMAGE_READ_ONLY ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	r = fd < 0 ? -errno : image_open_layer(fd, mode, &image, &fault);
	if (r == 0 && parent)
		r = image_set_parent(image, parent, &fault);
	if (r == 0)
		r = cipher ? image_set_cipher(image, cipher) : image_set_plain(image);
	if (r < 0)
		die(arg, r, &fault);
	return image;
}

static void cat(struct image *image)
{
	static uint8_t buf[CHUNK_BYTES];
	uint64_t size = image_info(image)->virtual_bytes;
	struct image_extent e;

	for (uint64_t at = 0; at < size; at += e.len_bytes) {
		int r = image_extent(image, at, size - at, &e);

		if (r == 0 && e.hole)
			continue;
		if (e.len_bytes > CHUNK_BYTES)
			e.len_bytes = CHUNK_BYTES;
		if (r == 0)
			r = image_read(image, buf, e.len_bytes, at);
		if (r < 0 ||
		    pwrite(STDOUT_FILENO, buf, e.len_bytes, (off_t)at) != (ssize_t)e.len_bytes)
			die("read", r < 0 ? r : -errno, NULL);
	}
	if (ftruncate(STDOUT_FILENO, (off_t)size) < 0)
		die("write", -errno, NULL);
}

static void work(struct image *image, unsigned n)
{
	static uint8_t buf[CHUNK_BYTES];
	uint64_t size = image_info(image)->virtual_bytes;
	int r = 0;

	for (; r == 0 && n > 0; n--) {
		uint64_t at = (uint64_t)random() * 512 % size, len = 1 + (uint64_t)random() % 70000;
		unsigned what = (unsigned)random() % 8;

		len = len < size - at ? len : size - at;
		for (uint64_t i = 0; what < 5 && i < len; i++)
			buf[i] = (uint8_t)random();
		if (what < 5)
			r = image_write(image, buf, len, at);
		else
			r = what < 7 ? image_zero(image, len, at) : image_trim(image, len, at);
	}
	if (r == 0)
		r = image_flush(image);
	if (r < 0)
		die("work", r, NULL);
}

int main(int argc, char **argv)
{
	bool works = argc > 4 && strcmp(argv[1], "work") == 0;
	int first = works ? 4 : 2, r;
	struct image *image[IMAGE_CHAIN_MAX] = { 0 };
	int n = 0;

	if (argc <= first || argc - first > IMAGE_CHAIN_MAX)
		return 2;
	for (int i = first; i < argc; i++, n++)
		image[n] = open_layer(argv[i], n > 0 ? image[n - 1] : NULL,
				      works && i == argc - 1 ? IMAGE_READ_WRITE : IMAGE_READ_ONLY);
	if (works) {
		srandom((unsigned)atoi(argv[2]));
		work(image[n - 1], (unsigned)atoi(argv[3]));
	}
	cat(image[n - 1]);
	while (n-- > 0) {
		r = image_close(image[n]);
		if (r < 0)
			die("close", r, NULL);
	}
	return 0;
}
