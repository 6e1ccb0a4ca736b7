/* convert_run FOLDER encrypt|rekey|decrypt MIB - convert FOLDER/fixed.vhd, which the first call makes,
 * and print MiB per second, and the seconds of CPU that a GiB took, both without the proof. Each begins
 * with what the one before has left. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

#include <sodium.h>

#include "base/log.h"
#include "vhdcrypt/convert.h"

static void check(int r, const char *what)
{
	if (r < 0)
		die("%s: %s", what, strerror(-r));
}

static double now_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double cpu_s(void)
{
	struct rusage used;

	(void)getrusage(RUSAGE_SELF, &used);
	return (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
	       (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) * 1e-6;
}

static void make(int fd, uint64_t bytes)
{
	static const uint8_t uuid[VHD_FORMAT_UUID_BYTES] = { 1 };
	uint8_t *data = malloc(1 << 20);
	struct vhd_footer like;
	struct image *image;

	if (!data)
		die("out of memory");
	image_footer_init(VHD_TYPE_FIXED, bytes, uuid, 1, &like);
	check(image_create(fd, &like, NULL, &image), "make image");
	for (uint64_t at = 0; at < bytes; at += 1 << 20) {
		randombytes_buf(data, 1 << 20);
		check(image_write(image, data, 1 << 20, at), "write");
	}
	check(image_close(image), "close");
	free(data);
}

static int open_in(const char *folder, const char *name)
{
	char path[4096];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		die("open '%s': %m", path);
	return fd;
}

int main(int argc, char **argv)
{
	struct convert_order order = { 0 };
	struct secret key[2] = { 0 };
	struct convert_proof proof;
	struct vhd_fault fault;
	struct convert *c;
	uint64_t bytes, at;
	double start, start_cpu, gib;

	log_open("convert_run");
	if (argc != 4 || sodium_init() < 0)
		die("usage: convert_run FOLDER encrypt|rekey|decrypt MIB");
	bytes = strtoull(argv[3], NULL, 10) << 20;
	for (unsigned i = 0; i < 2; i++) {
		check(secret_new(&key[i], SECTOR_KEY_BYTES), "lock memory");
		for (unsigned n = 0; n < SECTOR_KEY_BYTES; n++)
			key[i].bytes[n] = (uint8_t)(n * 3 + i);
	}
	order.image_fd = open_in(argv[1], "fixed.vhd");
	order.journal_fd = open_in(argv[1], "journal");
	if (lseek(order.image_fd, 0, SEEK_END) == 0)
		make(order.image_fd, bytes);
	if (strcmp(argv[2], "encrypt") != 0) {
		order.from = &key[strcmp(argv[2], "decrypt") == 0];
		order.from_sector_bytes = 512;
	}
	if (strcmp(argv[2], "decrypt") != 0) {
		order.to = &key[strcmp(argv[2], "rekey") == 0];
		order.to_sector_bytes = 512;
	}
	check(convert_open(&order, &c, &fault), "open");
	if (fsync(order.image_fd) < 0) /* one that was just made */
		die("sync: %m");
	gib = (double)bytes / (1 << 30);
	start = now_s();
	start_cpu = cpu_s();
	check(convert_run(c, NULL, NULL, &at), "convert");
	printf("%.0f %.3f\n", gib * 1024 / (now_s() - start), (cpu_s() - start_cpu) / gib);
	check(convert_prove(c, NULL, NULL, &proof, &at), "prove");
	check(convert_finish(c), "finish");
	convert_close(c);
	check(ftruncate(order.journal_fd, 0), "empty the journal");
	secret_free(&key[0]);
	secret_free(&key[1]);
	return 0;
}
