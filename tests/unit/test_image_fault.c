/* One call that fails, at every place in turn: nothing that was confirmed is lost, the caller is
 * told, and after a failed sync nothing is confirmed any more. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "image_bench.h"

enum { SIZE = 7 * BENCH_MIB };

/* One failing call at every place in turn; what a flush had confirmed before must be there. */
static void fail_everywhere(enum store_op op, int error)
{
	struct sector *cipher = bench_cipher(512);
	uint8_t *data = malloc(3 * BENCH_MIB), *got = malloc(3 * BENCH_MIB);

	for (unsigned at = 1; at < 12; at++) {
		struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER,
					  .fail_op = op,
					  .fail_error = error };
		int fd = bench_file(), failed = 0;
		struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);

		memset(data, 0x11, 3 * BENCH_MIB);
		assert_int_equal(image_write(image, data, 3 * BENCH_MIB, 512), 0);
		assert_int_equal(image_flush(image), 0);
		r.fail_at = at;
		image_watch(image, bench_note, &r);
		for (unsigned i = 0; i < 8; i++) {
			failed |= image_write(image, "new", 3, 4 * BENCH_MIB + i * 300000);
			failed |= image_flush(image);
		}
		assert_true(r.fail_at > 0 || failed != 0);
		if (op != STORE_SYNC) { /* what failed once works now, and nothing was lost */
			assert_int_equal(image_write(image, "new", 3, 4 * BENCH_MIB), 0);
			assert_int_equal(image_flush(image), 0);
		}
		image_watch(image, NULL, NULL);
		(void)image_close(image); /* after a failed sync it says so again */
		image = bench_open(fd, IMAGE_READ_WRITE, cipher);
		assert_int_equal(image_read(image, got, 3 * BENCH_MIB, 512), 0);
		assert_memory_equal(got, data, 3 * BENCH_MIB);
		if (op != STORE_SYNC) {
			assert_int_equal(image_read(image, got, 3, 4 * BENCH_MIB), 0);
			assert_memory_equal(got, "new", 3);
		}
		assert_int_equal(image_close(image), 0);
		bench_forget(&r);
		close(fd);
	}
	free(data);
	free(got);
	sector_free(cipher);
}

static void a_write_that_fails_loses_nothing_that_was_confirmed(void **state)
{
	(void)state;
	fail_everywhere(STORE_WRITE, -EIO);
	fail_everywhere(STORE_WRITE, -ENOSPC);
}

static void a_full_disk_loses_nothing_that_was_confirmed(void **state)
{
	(void)state;
	fail_everywhere(STORE_RESERVE, -ENOSPC);
}

static void after_a_failed_sync_nothing_is_confirmed_any_more(void **state)
{
	struct bench_record r = { .lock = PTHREAD_MUTEX_INITIALIZER,
				  .fail_op = STORE_SYNC,
				  .fail_error = -EIO,
				  .fail_at = 1 };
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, NULL);

	(void)state;
	image_watch(image, bench_note, &r);
	assert_int_equal(image_write(image, "x", 1, 0), 0);
	assert_int_equal(image_flush(image), -EIO);
	assert_int_equal(image_flush(image), -EIO);
	assert_int_equal(image_write(image, "x", 1, 0), -EIO);
	assert_int_equal(image_close(image), -EIO);
	bench_forget(&r);
	close(fd);
	fail_everywhere(STORE_SYNC, -EIO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_that_fails_loses_nothing_that_was_confirmed),
		cmocka_unit_test(a_full_disk_loses_nothing_that_was_confirmed),
		cmocka_unit_test(after_a_failed_sync_nothing_is_confirmed_any_more),
	};

	return cmocka_run_group_tests_name("image_fault", tests, NULL, NULL);
}
