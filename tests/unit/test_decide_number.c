#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/defer.h"

#include "roles/decide.h"

/* Before libc's own: the kernel gives a byte at a time, and the head of a number is a lower one. */
ssize_t pread(int fd, void *buf, size_t len_bytes, off_t at)
{
	return syscall(SYS_pread64, fd, buf, len_bytes > 1 ? 1 : len_bytes, at);
}

static int file_with(const char *text, size_t len_bytes)
{
	int fd = memfd_create("number", MFD_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, text, len_bytes, 0), len_bytes);
	return fd;
}

static int read_of(const char *text, size_t len_bytes, uint64_t *ret)
{
	OWNS_FD int fd = file_with(text, len_bytes);

	return decide_number_read(fd, ret);
}

static void what_is_written_is_read_back(void **state)
{
	static const uint64_t values[] = { 0, 1, 9, 10, 99, 12345, UINT64_MAX - 1, UINT64_MAX };
	OWNS_FD int fd = file_with("", 0);
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(decide_number_write(fd, values[i]), 0);
		assert_int_equal(decide_number_read(fd, &v), 0);
		assert_true(v == values[i]);
	}
}

static void an_empty_file_is_the_first_start(void **state)
{
	uint64_t v = 77;

	(void)state;
	assert_int_equal(read_of("", 0, &v), 0);
	assert_int_equal(v, 0);
}

static void what_is_no_number_is_refused(void **state)
{
	static const char *const bad[] = { "\n",
					   "x\n",
					   "1x\n",
					   "1\n\n",
					   "-1\n",
					   " 1\n",
					   "1 \n",
					   "0x10\n",
					   "18446744073709551616\n",
					   "184467440737095516150\n",
					   "111111111111111111111111\n" };
	uint64_t v = 77;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_true(read_of(bad[i], strlen(bad[i]), &v) < 0);
	assert_true(read_of("1\0\n", 3, &v) < 0);
	assert_true(read_of("\0", 1, &v) < 0);
	assert_int_equal(v, 77);
}

static void what_is_no_file_is_refused(void **state)
{
	uint64_t v = 77;
	int ends[2];

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(decide_number_read(-1, &v), -ENOENT);
	assert_int_equal(decide_number_read(ends[0], &v), -EINVAL);
	assert_true(decide_number_write(ends[1], 1) < 0);
	assert_true(decide_number_write(-1, 1) < 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(an_empty_file_is_the_first_start),
		cmocka_unit_test(what_is_no_number_is_refused),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests_name("decide_number", tests, NULL, NULL);
}
