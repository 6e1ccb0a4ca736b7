#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include <sodium.h>

#include "image_bench.h"
#include "roles/cli_disk_copy.h"
#include "roles/cli_stop.h"

enum { DISK_BYTES = 12 * BENCH_MIB, AT = 5 * BENCH_MIB, LEN = 3 * BENCH_MIB };

static struct cli_progress quiet;

/* A dynamic disk: zeros in a hole, but for LEN bytes of data at AT. */
static struct image *source(int *ret_fd)
{
	uint8_t *data = malloc(LEN);
	struct image *image;

	*ret_fd = bench_file();
	image = bench_create(*ret_fd, VHD_TYPE_DYNAMIC, DISK_BYTES, NULL);
	assert_non_null(data);
	for (unsigned i = 0; i < LEN; i++)
		data[i] = (uint8_t)(i * 7 + i / 512 + 1);
	assert_int_equal(image_write(image, data, LEN, AT), 0);
	assert_int_equal(image_flush(image), 0);
	free(data);
	return image;
}

static int copy_of(struct image *from, enum vhd_type type, struct sector *cipher)
{
	int fd = bench_file();
	struct image *to = bench_create(fd, type, DISK_BYTES, cipher);

	assert_int_equal(cli_disk_copy(from, to, &quiet), 0);
	assert_int_equal(image_close(to), 0);
	return fd;
}

/* Write into a copy as somebody else would. */
static void spoil(int fd, struct sector *cipher, uint64_t at)
{
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, cipher);
	uint8_t byte;

	assert_int_equal(image_read(image, &byte, 1, at), 0);
	byte ^= 1;
	assert_int_equal(image_write(image, &byte, 1, at), 0);
	assert_int_equal(image_close(image), 0);
}

static void a_true_copy_is_proven(void **state)
{
	static const enum vhd_type types[] = { VHD_TYPE_DYNAMIC, VHD_TYPE_FIXED };
	struct cli_disk_counts c;
	uint64_t at;
	int from_fd;
	struct image *from = source(&from_fd);

	(void)state;
	for (unsigned i = 0; i < 2; i++) {
		int fd = copy_of(from, types[i], NULL);

		assert_int_equal(cli_disk_prove(from, fd, NULL, &quiet, &c, &at), 0);
		assert_int_equal(c.disk_bytes, DISK_BYTES);
		assert_int_equal(c.data_bytes, i == 0 ? LEN : DISK_BYTES);
		close(fd);
	}
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

/* In its data, in its holes, in their last bytes. */
static void each_difference_is_found_where_it_is(void **state)
{
	static const uint64_t spots[] = {
		0, AT - 1, AT, AT + LEN / 2, AT + LEN - 1, DISK_BYTES - 1
	};
	struct cli_disk_counts c;
	int from_fd;
	struct image *from = source(&from_fd);

	(void)state;
	for (unsigned i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		uint64_t at = 0;
		int fd = copy_of(from, VHD_TYPE_DYNAMIC, NULL);

		spoil(fd, NULL, spots[i]);
		assert_int_equal(cli_disk_prove(from, fd, NULL, &quiet, &c, &at), -EILSEQ);
		assert_int_equal(at, spots[i] / 512 * 512);
		close(fd);
	}
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

static void data_that_became_a_hole_is_found(void **state)
{
	struct cli_disk_counts c;
	uint64_t at = 0;
	int from_fd;
	struct image *from = source(&from_fd), *image;
	int fd = copy_of(from, VHD_TYPE_DYNAMIC, NULL);

	(void)state;
	image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	assert_int_equal(image_zero(image, 4096, AT + 8192), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(cli_disk_prove(from, fd, NULL, &quiet, &c, &at), -EILSEQ);
	assert_int_equal(at, AT + 8192);
	close(fd);
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

static void a_file_that_is_no_copy_at_all_is_no_proof(void **state)
{
	struct cli_disk_counts c;
	uint64_t at = 0;
	int from_fd, fd = bench_file();
	struct image *from = source(&from_fd);
	struct image *small = bench_create(fd, VHD_TYPE_DYNAMIC, DISK_BYTES / 2, NULL);

	(void)state;
	assert_int_equal(image_close(small), 0);
	assert_int_equal(cli_disk_prove(from, fd, NULL, &quiet, &c, &at), -EILSEQ);
	assert_int_equal(ftruncate(fd, 0), 0);
	assert_int_equal(cli_disk_prove(from, fd, NULL, &quiet, &c, &at), -EILSEQ);
	close(fd);
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

static void a_raw_copy_is_sparse_and_proven(void **state)
{
	static const uint64_t spots[] = { 0, AT, DISK_BYTES - 1 };
	struct cli_disk_counts c;
	uint64_t at = 0;
	int from_fd, fd = bench_file();
	struct image *from = source(&from_fd);
	uint8_t byte;

	(void)state;
	assert_int_equal(cli_disk_copy_raw(from, fd, &quiet), 0);
	assert_int_equal(lseek(fd, 0, SEEK_DATA), AT);
	assert_int_equal(cli_disk_prove_raw(from, fd, &quiet, &c, &at), 0);
	assert_int_equal(c.data_bytes, LEN);
	for (unsigned i = 0; i < sizeof(spots) / sizeof(spots[0]); i++) {
		assert_int_equal(pread(fd, &byte, 1, (off_t)spots[i]), 1);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)spots[i]), 1);
		assert_int_equal(cli_disk_prove_raw(from, fd, &quiet, &c, &at), -EILSEQ);
		assert_int_equal(at, spots[i] / 512 * 512);
		byte ^= 1;
		assert_int_equal(pwrite(fd, &byte, 1, (off_t)spots[i]), 1);
	}
	assert_int_equal(cli_disk_prove_raw(from, fd, &quiet, &c, &at), 0);
	assert_int_equal(ftruncate(fd, DISK_BYTES - 512), 0);
	assert_int_equal(cli_disk_prove_raw(from, fd, &quiet, &c, &at), -EILSEQ);
	close(fd);
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

static void an_encrypted_copy_shows_no_plaintext(void **state)
{
	struct sector *cipher = bench_cipher(512);
	struct cli_disk_counts c;
	uint8_t plain[512];
	uint64_t at = 0;
	int from_fd;
	struct image *from = source(&from_fd), *image;
	int fd = copy_of(from, VHD_TYPE_DYNAMIC, cipher);

	(void)state;
	assert_int_equal(cli_disk_prove(from, fd, cipher, &quiet, &c, &at), 0);
	assert_int_equal(c.data_bytes, LEN);
	spoil(fd, cipher, AT + 5000);
	assert_int_equal(cli_disk_prove(from, fd, cipher, &quiet, &c, &at), -EILSEQ);
	assert_int_equal(at, (AT + 5000) / 512 * 512);
	spoil(fd, cipher, AT + 5000);
	assert_int_equal(cli_disk_prove(from, fd, cipher, &quiet, &c, &at), 0);
	assert_int_equal(image_read(from, plain, sizeof(plain), AT + 1024), 0);
	image = bench_open(fd, IMAGE_READ_WRITE, NULL); /* past the cipher */
	assert_int_equal(image_write(image, plain, sizeof(plain), AT + 1024), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(cli_disk_prove(from, fd, cipher, &quiet, &c, &at), -ENOKEY);
	assert_int_equal(at, AT + 1024);
	close(fd);
	sector_free(cipher);
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

/* Last: the signal stays pending. */
static void a_signal_stops_copy_and_proof(void **state)
{
	struct cli_disk_counts c;
	uint64_t at;
	int from_fd, fd = bench_file();
	struct image *from = source(&from_fd);
	int copied = copy_of(from, VHD_TYPE_DYNAMIC, NULL);

	(void)state;
	cli_stop_begin();
	assert_false(cli_stop_asked());
	assert_int_equal(raise(SIGTERM), 0);
	assert_true(cli_stop_asked());
	assert_int_equal(cli_disk_copy_raw(from, fd, &quiet), -ECANCELED);
	assert_int_equal(cli_disk_prove(from, copied, NULL, &quiet, &c, &at), -ECANCELED);
	close(fd);
	close(copied);
	assert_int_equal(image_close(from), 0);
	close(from_fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_true_copy_is_proven),
		cmocka_unit_test(each_difference_is_found_where_it_is),
		cmocka_unit_test(data_that_became_a_hole_is_found),
		cmocka_unit_test(a_file_that_is_no_copy_at_all_is_no_proof),
		cmocka_unit_test(a_raw_copy_is_sparse_and_proven),
		cmocka_unit_test(an_encrypted_copy_shows_no_plaintext),
		cmocka_unit_test(a_signal_stops_copy_and_proof),
	};

	if (sodium_init() < 0)
		return 1;
	(void)signal(SIGTERM, SIG_DFL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
