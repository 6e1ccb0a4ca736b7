/* The kernel gives and takes a byte at a time, and every other call is interrupted before it did
 * anything: the functions below stand before libc's own. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/defer.h"
#include "base/file.h"
#include "base/util.h"

static const char text[] = "as it was meant";

enum { TEXT_BYTES = sizeof(text) - 1, ROOM_BYTES = 64 };

static unsigned n_calls;

static bool interrupted(void)
{
	errno = EINTR;
	return n_calls++ % 2 == 0;
}

ssize_t pread(int fd, void *buf, size_t len_bytes, off_t at)
{
	return interrupted() ? -1 : syscall(SYS_pread64, fd, buf, MIN(len_bytes, (size_t)1), at);
}

ssize_t pwrite(int fd, const void *buf, size_t len_bytes, off_t at)
{
	return interrupted() ? -1 : syscall(SYS_pwrite64, fd, buf, MIN(len_bytes, (size_t)1), at);
}

ssize_t read(int fd, void *buf, size_t len_bytes)
{
	return interrupted() ? -1 : syscall(SYS_read, fd, buf, MIN(len_bytes, (size_t)1));
}

ssize_t write(int fd, const void *buf, size_t len_bytes)
{
	return interrupted() ? -1 : syscall(SYS_write, fd, buf, MIN(len_bytes, (size_t)1));
}

static int empty(void)
{
	int fd = memfd_create("file", MFD_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void what_is_written_in_pieces_is_read_in_pieces(void **state)
{
	OWNS_FD int fd = empty();
	char is[TEXT_BYTES];

	(void)state;
	assert_int_equal(file_write(fd, text, TEXT_BYTES, 100), 0);
	assert_int_equal(file_read(fd, is, TEXT_BYTES, 100), 0);
	assert_memory_equal(is, text, TEXT_BYTES);
	assert_int_equal(file_read(fd, is, TEXT_BYTES, 101), -EIO); /* it ends before */
}

static void a_whole_file_is_loaded_wherever_the_descriptor_is(void **state)
{
	OWNS_FD int fd = empty();
	char is[ROOM_BYTES];
	size_t n = 0;

	(void)state;
	assert_int_equal(file_append(fd, text, TEXT_BYTES), 0);
	for (unsigned i = 0; i < 2; i++) {
		assert_int_equal(file_load(fd, is, sizeof(is), &n), 0);
		assert_int_equal(n, TEXT_BYTES);
		assert_memory_equal(is, text, n);
	}
}

static void the_rest_is_drained_once(void **state)
{
	OWNS_FD int fd = empty();
	char is[ROOM_BYTES];
	size_t n = 0;

	(void)state;
	assert_int_equal(file_append(fd, text, TEXT_BYTES), 0);
	assert_int_equal(lseek(fd, 3, SEEK_SET), 3);
	assert_int_equal(file_drain(fd, is, sizeof(is), &n), 0);
	assert_int_equal(n, TEXT_BYTES - 3);
	assert_memory_equal(is, text + 3, n);
	assert_int_equal(file_drain(fd, is, sizeof(is), &n), 0);
	assert_int_equal(n, 0);
}

static void no_more_than_there_is_room_for(void **state)
{
	OWNS_FD int fd = empty();
	char is[ROOM_BYTES];
	size_t n = 0;

	(void)state;
	memset(is, '-', sizeof(is));
	assert_int_equal(file_write(fd, text, TEXT_BYTES, 0), 0);
	assert_int_equal(file_load(fd, is, 4, &n), 0);
	assert_int_equal(n, 4);
	assert_int_equal(file_drain(fd, is, 4, &n), 0);
	assert_int_equal(n, 4);
	assert_memory_equal(is, "as i-", 5);
}

static void an_error_is_the_kernels(void **state)
{
	char is[ROOM_BYTES] = "";
	size_t n = 77;

	(void)state;
	assert_int_equal(file_load(-1, is, sizeof(is), &n), -EBADF);
	assert_int_equal(file_drain(-1, is, sizeof(is), &n), -EBADF);
	assert_int_equal(file_read(-1, is, sizeof(is), 0), -EBADF);
	assert_int_equal(file_write(-1, is, sizeof(is), 0), -EBADF);
	assert_int_equal(file_append(-1, is, sizeof(is)), -EBADF);
	assert_int_equal(n, 77);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_in_pieces_is_read_in_pieces),
		cmocka_unit_test(a_whole_file_is_loaded_wherever_the_descriptor_is),
		cmocka_unit_test(the_rest_is_drained_once),
		cmocka_unit_test(no_more_than_there_is_room_for),
		cmocka_unit_test(an_error_is_the_kernels),
	};

	return cmocka_run_group_tests_name("file", tests, NULL, NULL);
}
