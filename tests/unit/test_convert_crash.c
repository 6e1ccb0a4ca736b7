/* States after a kill or a power cut in a conversion, of the image and of its journal: each resumes
 * to the right disk, and before that nobody gets to see a mixture.
 *
 * CRASH_STATES (1000) states at least, from CRASH_SEED (1) on: each conversion is cut behind every
 * call that it made; of some, the resume is cut, too. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include <sodium.h>

#include "convert_bench.h"
#include "crash_lab.h"

enum { SIZE = BENCH_MIB + 8192, WINDOW = 32 * 1024 };

static const struct bench_kind KINDS[] = {
	{ VHD_TYPE_DYNAMIC, 0, BENCH_NEW, 0, 512 },
	{ VHD_TYPE_DYNAMIC, BENCH_OLD, 0, 4096, 0 },
	{ VHD_TYPE_DYNAMIC, BENCH_OLD, BENCH_NEW, 512, 4096 },
	{ VHD_TYPE_FIXED, 0, BENCH_NEW, 0, 4096 },
	{ VHD_TYPE_FIXED, BENCH_OLD, BENCH_NEW, 4096, 512 },
};

struct cut {
	struct crash_log log;
	struct crash_file *image, *journal;
	struct crash_walk walk;
};

/* Convert what is in fd and journal, recorded. */
static void record(struct cut *cut, int fd, int journal, const struct bench_kind *k)
{
	struct convert_order watch = { .hook = crash_note, .window_bytes = WINDOW };
	struct vhd_fault fault;
	struct convert *c;

	*cut = (struct cut){ .log = { .lock = PTHREAD_MUTEX_INITIALIZER } };
	watch.image_context = cut->image = crash_watch(&cut->log, fd);
	watch.journal_context = cut->journal = crash_watch(&cut->log, journal);
	cut->walk.log = &cut->log;
	assert_int_equal(bench_open_watched(fd, journal, k, &watch, &c, &fault), 0);
	assert_int_equal(bench_convert(c), 0);
	convert_close(c);
}

/* Whoever may open it sees all of the disk, in the old form or in the new one. */
static void no_mixture_is_shown(int fd, const struct bench_kind *k, const uint8_t *plain)
{
	const struct bench_kind old = { k->type, 0, k->from, 0, k->from_sector_bytes };
	struct vhd_fault fault;
	struct image *image;
	struct sector *cipher;
	uint8_t *got = malloc(SIZE);
	bool is_old;
	int r = image_open(fd, IMAGE_READ_ONLY, &image, &fault);

	if (r == -EBADMSG) {
		assert_string_equal(fault.field, "cookie");
		free(got);
		return;
	}
	assert_int_equal(r, 0);
	cipher = bench_cipher_of(k->from, k->from_sector_bytes);
	if (cipher)
		assert_int_equal(image_set_cipher(image, cipher), 0);
	else
		assert_int_equal(image_set_plain(image), 0);
	assert_int_equal(image_read(image, got, SIZE, 0), 0);
	is_old = memcmp(got, plain, SIZE) == 0;
	(void)image_close(image);
	sector_free(cipher);
	free(got);
	bench_verify(fd, is_old ? &old : k, SIZE, plain);
}

static void resume(int fd, int journal, const struct bench_kind *k, const uint8_t *plain)
{
	const struct convert_order watch = { .window_bytes = WINDOW };
	struct vhd_fault fault;
	struct convert *c;

	no_mixture_is_shown(fd, k, plain);
	assert_int_equal(bench_open_watched(fd, journal, k, &watch, &c, &fault), 0);
	assert_int_equal(bench_convert(c), 0);
	convert_close(c);
	bench_verify(fd, k, SIZE, plain);
}

static void cut_at(struct cut *cut, size_t n, uint64_t seed, int *ret_fd, int *ret_journal)
{
	enum crash_style style = (enum crash_style)(seed % CRASH_STYLES);

	crash_walk_to(&cut->walk, n);
	*ret_fd = crash_state(&cut->walk, cut->image, style, seed);
	*ret_journal = crash_state(&cut->walk, cut->journal, style, seed);
}

/* The resume is interrupted by another cut, somewhere. */
static void cut_again(int *fd, int *journal, const struct bench_kind *k, uint64_t seed)
{
	int fd2 = bench_copy(*fd), journal2 = bench_copy(*journal);
	struct cut cut;

	record(&cut, fd2, journal2, k);
	close(fd2);
	close(journal2);
	close(*fd);
	close(*journal);
	cut_at(&cut, (size_t)(seed / 64 % (cut.log.n + 1)), seed / 8, fd, journal);
	crash_forget(&cut.log);
}

static unsigned every_cut(const struct bench_kind *k, uint64_t seed)
{
	struct cut cut;
	uint8_t *plain;
	size_t n;
	int fd, journal = bench_file();

	srandom((unsigned)seed);
	fd = bench_filled(k, SIZE, &plain);
	record(&cut, fd, journal, k);
	close(fd);
	close(journal);
	for (n = 0; n <= crash_now(&cut.log); n++) {
		uint64_t one = (uint64_t)random() << 16 ^ (uint64_t)random();

		cut_at(&cut, n, one, &fd, &journal);
		if (one % 8 == 0)
			cut_again(&fd, &journal, k, one);
		resume(fd, journal, k, plain);
		close(fd);
		close(journal);
	}
	crash_forget(&cut.log);
	free(plain);
	return (unsigned)n;
}

static uint64_t environment(const char *name, uint64_t usual)
{
	const char *text = getenv(name);

	return text && *text ? strtoull(text, NULL, 10) : usual;
}

static void any_cut_resumes_to_the_right_disk(void **state)
{
	uint64_t seed = environment("CRASH_SEED", 1), want = environment("CRASH_STATES", 1000);
	uint64_t first = seed, n = 0;

	(void)state;
	for (; n < want; seed++) {
		print_message("seed %llu\n", (unsigned long long)seed);
		n += every_cut(&KINDS[seed % (sizeof(KINDS) / sizeof(KINDS[0]))], seed);
	}
	print_message("%llu states of seeds %llu to %llu\n", (unsigned long long)n,
		      (unsigned long long)first, (unsigned long long)seed - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(any_cut_resumes_to_the_right_disk) };

	if (sodium_init() < 0)
		return 77;
	return cmocka_run_group_tests_name("convert_crash", tests, NULL, NULL);
}
