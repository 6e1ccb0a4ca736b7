#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "convert_bench.h"

enum { SIZE = 13 * BENCH_MIB + 4096 };

static const struct bench_kind KINDS[] = {
	{ VHD_TYPE_DYNAMIC, 0, BENCH_NEW, 0, 512 },
	{ VHD_TYPE_DYNAMIC, BENCH_OLD, 0, 512, 0 },
	{ VHD_TYPE_DYNAMIC, BENCH_OLD, BENCH_NEW, 512, 4096 },
	{ VHD_TYPE_FIXED, 0, BENCH_NEW, 0, 4096 },
	{ VHD_TYPE_FIXED, BENCH_OLD, 0, 4096, 0 },
	{ VHD_TYPE_FIXED, BENCH_OLD, BENCH_NEW, 4096, 512 },
};

/* What belongs to nothing in a file: between the table and the first block there is room. */
static void the_disk_is_the_same_in_its_new_form(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct bench_kind *k = &KINDS[i];
		int journal = bench_file(), fd;
		struct vhd_fault fault;
		struct convert *c;
		uint8_t *plain;

		srandom((unsigned)i + 1);
		fd = bench_filled(k, SIZE, &plain);
		assert_int_equal(bench_open_convert(fd, journal, k, &c, &fault), 0);
		assert_int_equal(bench_convert(c), 0);
		convert_close(c);
		bench_verify(fd, k, SIZE, plain);
		free(plain);
		close(fd);
		close(journal);
	}
}

static bool after_one(void *context, const struct convert_progress *p)
{
	unsigned *n = context;

	(void)p;
	return ++*n % 2 != 0;
}

/* Told to stop again and again, each time by the next process. */
static void a_stop_is_no_harm(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(KINDS) / sizeof(KINDS[0]); i++) {
		const struct bench_kind *k = &KINDS[i];
		int journal = bench_file(), fd, r, stops = 0;
		struct convert_proof proof;
		struct vhd_fault fault;
		unsigned told = 0;
		struct convert *c;
		uint8_t *plain;
		uint64_t at;

		srandom((unsigned)i + 100);
		fd = bench_filled(k, SIZE, &plain);
		do {
			struct image *image;

			assert_int_equal(bench_open_convert(fd, journal, k, &c, &fault), 0);
			r = convert_run(c, after_one, &told, &at);
			assert_int_equal(image_open(fd, IMAGE_READ_ONLY, &image, &fault), -EBADMSG);
			assert_int_equal(convert_finish(c), -EINVAL); /* not before the proof */
			if (r == 0)
				r = convert_prove(c, NULL, NULL, &proof, &at);
			if (r == 0)
				assert_int_equal(convert_finish(c), 0);
			convert_close(c);
			stops += r == -ECANCELED;
		} while (r == -ECANCELED);
		assert_int_equal(r, 0);
		assert_true(stops > 1);
		bench_verify(fd, k, SIZE, plain);
		free(plain);
		close(fd);
		close(journal);
	}
}

/* An image that was left in the middle. */
static int half_way(const struct bench_kind *k, int journal, uint8_t **ret_plain)
{
	unsigned told = 1;
	struct vhd_fault fault;
	struct convert *c;
	uint64_t at;
	int fd = bench_filled(k, SIZE, ret_plain);

	assert_int_equal(bench_open_convert(fd, journal, k, &c, &fault), 0);
	assert_int_equal(convert_run(c, after_one, &told, &at), -ECANCELED);
	convert_close(c);
	return fd;
}

static void a_journal_is_for_its_image_its_keys_and_its_direction_alone(void **state)
{
	struct bench_kind k = KINDS[2], other;
	int journal = bench_file(), foreign, fd;
	struct vhd_fault fault;
	struct convert *c;
	uint8_t byte, *plain;

	(void)state;
	srandom(7);
	fd = half_way(&k, journal, &plain);
	other = k;
	other.to = 77;
	assert_int_equal(bench_open_convert(fd, journal, &other, &c, &fault), -EKEYREJECTED);
	other = k;
	other.from = 77;
	assert_int_equal(bench_open_convert(fd, journal, &other, &c, &fault), -EKEYREJECTED);
	other = (struct bench_kind){ k.type, BENCH_OLD, 0, 512, 0 };
	assert_int_equal(bench_open_convert(fd, journal, &other, &c, &fault), -EKEYREJECTED);
	other = k;
	other.to_sector_bytes = 512;
	assert_int_equal(bench_open_convert(fd, journal, &other, &c, &fault), -EKEYREJECTED);
	/* the head of another conversion of the same image by the same keys, and any flipped bit */
	foreign = bench_copy(journal);
	assert_int_equal(pread(foreign, &byte, 1, 20), 1);
	byte ^= 1;
	assert_int_equal(pwrite(foreign, &byte, 1, 20), 1);
	assert_int_equal(bench_open_convert(fd, foreign, &k, &c, &fault), -EKEYREJECTED);
	close(foreign);
	free(plain);
	close(fd);
	close(journal);
}

static void a_lost_journal_is_not_begun_anew(void **state)
{
	int journal = bench_file(), fd;
	struct vhd_fault fault;
	struct convert *c;
	uint8_t *plain;

	(void)state;
	srandom(8);
	fd = half_way(&KINDS[0], journal, &plain);
	assert_int_equal(ftruncate(journal, 0), 0);
	assert_int_equal(bench_open_convert(fd, journal, &KINDS[0], &c, &fault), -EBADMSG);
	assert_string_equal(fault.part, "journal");
	assert_int_equal(lseek(journal, 0, SEEK_END), 0);
	free(plain);
	close(fd);
	close(journal);
}

/* The image of a backup in place of the one that was converted half. */
static void an_image_without_the_mark_is_not_resumed(void **state)
{
	int journal = bench_file(), fd;
	struct vhd_fault fault;
	struct convert *c;
	uint8_t *plain;

	(void)state;
	srandom(9);
	fd = half_way(&KINDS[0], journal, &plain);
	close(fd);
	free(plain);
	srandom(9);
	fd = bench_filled(&KINDS[0], SIZE, &plain);
	assert_int_equal(bench_open_convert(fd, journal, &KINDS[0], &c, &fault), -EBADMSG);
	assert_int_equal(image_close(bench_open(fd, IMAGE_READ_ONLY, NULL)), 0);
	free(plain);
	close(fd);
	close(journal);
}

static int flip(int fd, off_t at)
{
	uint8_t byte;

	return pread(fd, &byte, 1, at) == 1 && (byte ^= 1, pwrite(fd, &byte, 1, at) == 1) ? 0 : -1;
}

/* A byte that changes under way, where the conversion has been already. */
static void the_proof_finds_one_changed_bit(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		const struct bench_kind *k = &KINDS[i];
		int journal = bench_file(), fd;
		struct convert_proof proof;
		struct vhd_fault fault;
		struct convert *c;
		uint8_t *plain;
		uint64_t at;

		srandom(10);
		fd = bench_filled(k, SIZE, &plain);
		assert_int_equal(bench_open_convert(fd, journal, k, &c, &fault), 0);
		assert_int_equal(convert_run(c, NULL, NULL, &at), 0);
		assert_int_equal(flip(fd, 3 * BENCH_MIB), 0);
		assert_int_equal(convert_prove(c, NULL, NULL, &proof, &at), -EILSEQ);
		assert_int_equal(convert_finish(c), -EINVAL);
		convert_close(c);
		free(plain);
		close(fd);
		close(journal);
	}
}

/* Old data that no bit shows: a block that a crash left, and a cleared sector. */
static void what_was_deleted_is_overwritten_too(void **state)
{
	static const uint8_t secret[] = "what somebody deleted, all but its bytes in the file";
	const struct bench_kind k = { VHD_TYPE_DYNAMIC, 0, BENCH_NEW, 0, 512 };
	uint8_t *all, block[4096];
	int journal = bench_file(), fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, 8 * BENCH_MIB, NULL);
	struct vhd_fault fault;
	struct convert *c;
	off_t size;

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(image_write(image, block, sizeof(block), 0), 0);
	assert_int_equal(image_write(image, block, sizeof(block), 4 * BENCH_MIB), 0);
	assert_int_equal(image_close(image), 0);
	size = lseek(fd, 0, SEEK_END);
	/* in a hole of the second block, which ends before the footer; and in no block at all */
	assert_int_equal(pwrite(fd, secret, sizeof(secret), size - 512 - 4096), sizeof(secret));
	assert_int_equal(pread(fd, block, 512, size - 512), 512);
	assert_int_equal(pwrite(fd, block, 512, size - 512 + 8192), 512);
	assert_int_equal(pwrite(fd, secret, sizeof(secret), size), sizeof(secret));
	assert_int_equal(bench_open_convert(fd, journal, &k, &c, &fault), 0);
	assert_int_equal(bench_convert(c), 0);
	convert_close(c);
	size = lseek(fd, 0, SEEK_END);
	all = malloc((size_t)size);
	assert_int_equal(pread(fd, all, (size_t)size, 0), size);
	assert_null(memmem(all, (size_t)size, secret, 16));
	free(all);
	close(fd);
	close(journal);
}

/* ---- errors of the kernel, at every call ---- */

struct failure {
	unsigned at; /* 0: no more */
	enum store_op op;
	int error;
};

static int fail_call(void *context, const struct store_event *event)
{
	struct failure *f = context;

	return f->at > 0 && event->op == f->op && --f->at == 0 ? f->error : 0;
}

static void an_error_anywhere_is_told_and_resumed_after(enum store_op op, int error)
{
	unsigned n_failed = 0;

	for (unsigned at = 1; at < 40; at += 1 + at / 8) {
		const struct bench_kind *k = &KINDS[at % 6];
		struct failure f = { at, op, error };
		const struct convert_order watch = { .window_bytes = 512 * 1024,
						     .hook = fail_call,
						     .image_context = &f,
						     .journal_context = &f };
		int journal = bench_file(), fd, r;
		struct vhd_fault fault;
		struct convert *c;
		uint8_t *plain;

		srandom(at);
		fd = bench_filled(k, SIZE, &plain);
		r = bench_open_watched(fd, journal, k, &watch, &c, &fault);
		if (r == 0) {
			r = bench_convert(c);
			convert_close(c);
		}
		assert_true(r == error || (r == 0 && f.at > 0));
		n_failed += r != 0;
		assert_int_equal(bench_open_convert(fd, journal, k, &c, &fault), 0);
		assert_int_equal(bench_convert(c), 0);
		convert_close(c);
		bench_verify(fd, k, SIZE, plain);
		free(plain);
		close(fd);
		close(journal);
	}
	assert_true(n_failed > 4);
}

static void a_failing_call_is_told_and_resumed_after(void **state)
{
	(void)state;
	an_error_anywhere_is_told_and_resumed_after(STORE_WRITE, -ENOSPC);
	an_error_anywhere_is_told_and_resumed_after(STORE_WRITE, -EIO);
	an_error_anywhere_is_told_and_resumed_after(STORE_SYNC, -EIO);
	an_error_anywhere_is_told_and_resumed_after(STORE_READ, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_disk_is_the_same_in_its_new_form),
		cmocka_unit_test(a_stop_is_no_harm),
		cmocka_unit_test(a_journal_is_for_its_image_its_keys_and_its_direction_alone),
		cmocka_unit_test(a_lost_journal_is_not_begun_anew),
		cmocka_unit_test(an_image_without_the_mark_is_not_resumed),
		cmocka_unit_test(the_proof_finds_one_changed_bit),
		cmocka_unit_test(what_was_deleted_is_overwritten_too),
		cmocka_unit_test(a_failing_call_is_told_and_resumed_after),
	};

	if (sodium_init() < 0)
		return 77;
	return cmocka_run_group_tests_name("convert", tests, NULL, NULL);
}
