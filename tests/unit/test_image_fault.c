/* Every system call of the engine's input and output fails in turn: once, or from then on; with an
 * error, cut short, or interrupted. What a flush has confirmed is there afterwards, the caller is
 * told the truth, and after a failed sync nothing is confirmed any more.
 *
 * The calls are caught where libc would be: the functions below stand before its own. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <cmocka.h>

#include "image_bench.h"

enum { SIZE = 5 * BENCH_MIB, CELL = 512, N_CELLS = SIZE / CELL, STEPS = 28, NEVER = 0 };

enum call { PREAD, PWRITE, FDATASYNC, FALLOCATE, N_CALLS };

enum { SHORT = -1 }; /* in place of an errno: less than asked for */

static struct {
	unsigned count[N_CALLS];
	enum call call;
	unsigned at; /* the call of this number fails; NEVER */
	bool from_then_on;
	int how;
	bool happened;
	bool no_cut; /* nor can the file be cut to what it was */
} fault;

/* Does this call fail now? */
static bool fails(enum call call)
{
	unsigned n = ++fault.count[call];
	bool now = call == fault.call && fault.at != NEVER &&
		   (n == fault.at || (fault.from_then_on && n > fault.at));

	fault.happened |= now;
	return now;
}

ssize_t pread(int fd, void *buf, size_t len_bytes, off_t at)
{
	if (fails(PREAD)) {
		if (fault.how != SHORT) {
			errno = fault.how;
			return -1;
		}
		len_bytes = len_bytes > 1 ? len_bytes / 2 : 1;
	}
	return syscall(SYS_pread64, fd, buf, len_bytes, at);
}

ssize_t pwrite(int fd, const void *buf, size_t len_bytes, off_t at)
{
	if (fails(PWRITE)) {
		/* a real disk may have taken a part of what it reports as lost */
		if (fault.how != EINTR && len_bytes > CELL)
			(void)!syscall(SYS_pwrite64, fd, buf, len_bytes / 2 / CELL * CELL, at);
		if (fault.how != SHORT) {
			errno = fault.how;
			return -1;
		}
		len_bytes = len_bytes > 1 ? len_bytes / 2 : 1;
	}
	return syscall(SYS_pwrite64, fd, buf, len_bytes, at);
}

int fdatasync(int fd)
{
	errno = fault.how;
	return fails(FDATASYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int fallocate(int fd, int mode, off_t at, off_t len_bytes)
{
	errno = fault.how;
	return fails(FALLOCATE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, len_bytes);
}

int ftruncate(int fd, off_t len_bytes)
{
	errno = EIO;
	return fault.no_cut ? -1 : (int)syscall(SYS_ftruncate, fd, len_bytes);
}

/* What the disk must hold, a byte for each sector; and what nobody can know. */
struct model {
	uint8_t value[N_CELLS];
	bool open[N_CELLS];  /* a call that failed may or may not have changed it */
	bool fresh[N_CELLS]; /* changed since the last confirmed flush */
	uint8_t flushed[N_CELLS];
	bool flushed_open[N_CELLS];
};

static void model_put(struct model *m, unsigned first, unsigned n, uint8_t value, int result)
{
	for (unsigned i = first; i < first + n; i++) {
		m->open[i] = result < 0;
		m->value[i] = result < 0 ? m->value[i] : value;
		m->fresh[i] = true;
	}
}

static void model_flush(struct model *m)
{
	memcpy(m->flushed, m->value, sizeof(m->value));
	memcpy(m->flushed_open, m->open, sizeof(m->open));
	memset(m->fresh, 0, sizeof(m->fresh));
}

static bool cell_is(const uint8_t *cell, uint8_t value)
{
	return cell[0] == value && memcmp(cell, cell + 1, CELL - 1) == 0;
}

/* Three blocks, few places, lengths from one sector to more than a block; the same each time. */
static int one_step(struct image *image, struct model *m, unsigned i)
{
	static uint8_t data[3 * BENCH_MIB];
	unsigned first = i * 2654435761U % 40 * 104 + i % 3 * 4096 / CELL;
	unsigned n = i % 9 == 4 ? 4200 : 1 + i * 7 % 61;
	uint8_t value = (uint8_t)(i + 1);
	int r;

	first %= N_CELLS;
	n = n < N_CELLS - first ? n : N_CELLS - first;
	if (i % 7 == 6) {
		r = image_flush(image);
		if (r == 0)
			model_flush(m);
	} else if (i % 7 == 3) {
		r = image_zero(image, (uint64_t)n * CELL, (uint64_t)first * CELL);
		model_put(m, first, n, 0, r);
	} else {
		memset(data, value, (size_t)n * CELL);
		r = image_write(image, data, (size_t)n * CELL, (uint64_t)first * CELL);
		model_put(m, first, n, value, r);
	}
	return r;
}

/* As the guest sees it now. */
static void check_live(struct image *image, const struct model *m)
{
	static uint8_t got[SIZE];

	assert_int_equal(image_read(image, got, SIZE, 0), 0);
	for (unsigned i = 0; i < N_CELLS; i++)
		assert_true(m->open[i] || cell_is(got + i * CELL, m->value[i]));
}

/* As it is when the process has gone. */
static void check_after(int fd, struct sector *cipher, const struct model *m)
{
	static uint8_t got[SIZE];
	struct image *image = bench_open(fd, IMAGE_READ_WRITE, cipher);

	assert_int_equal(image_read(image, got, SIZE, 0), 0);
	for (unsigned i = 0; i < N_CELLS; i++)
		assert_true(m->fresh[i] || m->flushed_open[i] ||
			    cell_is(got + i * CELL, m->flushed[i]));
	assert_int_equal(image_close(image), 0);
}

/* The same work again, with this fault; false: there were fewer calls of this kind. */
static bool work_with_fault(enum call call, unsigned at, bool from_then_on, int how)
{
	static struct model m;
	struct sector *cipher = bench_cipher(4096); /* parts of it: read, change, write */
	int fd = bench_file(), failed = 0;
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	bool happened;

	memset(&m, 0, sizeof(m));
	memset(&fault, 0, sizeof(fault));
	fault.call = call;
	fault.at = at;
	fault.from_then_on = from_then_on;
	fault.how = how;
	fault.no_cut = at % 2;
	for (unsigned i = 0; i < STEPS; i++) {
		int r = one_step(image, &m, i);

		/* what is interrupted or cut short goes on; else the caller hears the reason */
		assert_true(r == 0 || (r == -how && fault.happened) ||
			    (call == FDATASYNC && r == -EIO));
		failed |= r;
	}
	happened = fault.happened;
	fault.at = NEVER;
	fault.no_cut = false;
	/* space that could not be given back is nobody's loss */
	assert_true(!happened || failed != 0 || how == EINTR || how == SHORT || call == FALLOCATE);
	check_live(image, &m);
	if (call == FDATASYNC && happened) {
		assert_int_equal(image_flush(image), -EIO);
		assert_int_equal(image_write(image, "x", 1, 0), -EIO);
		assert_int_equal(image_zero(image, 4096, 0), -EIO);
		assert_int_equal(image_close(image), -EIO);
	} else {
		/* at times nothing more is written: what failed is not forgotten */
		for (unsigned i = STEPS; i < STEPS + at % 3 * 7; i++)
			assert_int_equal(one_step(image, &m, i), 0);
		assert_int_equal(image_close(image), 0);
		model_flush(&m);
	}
	check_after(fd, cipher, &m);
	close(fd);
	sector_free(cipher);
	return happened;
}

static void at_every_call(enum call call, int how)
{
	unsigned n = 1;

	for (bool sticky = false;; sticky = true) {
		/* one that is for ever short still gets somewhere; one interrupted for ever hangs */
		for (n = 1; work_with_fault(call, n, sticky, how); n++)
			;
		if (sticky || how == EINTR)
			break;
	}
	assert_true(n > 2); /* the work does make such calls */
}

static void no_read_that_fails_loses_anything(void **state)
{
	(void)state;
	at_every_call(PREAD, EIO);
}

static void no_write_that_fails_loses_what_was_confirmed(void **state)
{
	(void)state;
	at_every_call(PWRITE, EIO);
	at_every_call(PWRITE, ENOSPC);
}

static void a_call_that_is_cut_short_or_interrupted_goes_on(void **state)
{
	(void)state;
	at_every_call(PREAD, SHORT);
	at_every_call(PREAD, EINTR);
	at_every_call(PWRITE, SHORT);
	at_every_call(PWRITE, EINTR);
	at_every_call(FALLOCATE, EINTR);
}

static void a_full_disk_loses_nothing(void **state)
{
	(void)state;
	at_every_call(FALLOCATE, ENOSPC);
}

static void after_a_failed_sync_nothing_is_confirmed_any_more(void **state)
{
	(void)state;
	at_every_call(FDATASYNC, EIO);
}

/* An image is opened whole or not at all. */
static void opening_fails_at_each_call_or_not_at_all(void **state)
{
	struct sector *cipher = bench_cipher(512);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	struct vhd_fault text;
	unsigned n = 1;
	int r = -EIO;

	(void)state;
	assert_int_equal(image_write(image, "kept", 4, 0), 0);
	assert_int_equal(image_close(image), 0);
	for (; r < 0; n++) {
		memset(&fault, 0, sizeof(fault));
		fault.call = PREAD;
		fault.at = n;
		fault.how = EIO;
		r = image_open(fd, IMAGE_READ_WRITE, &image, &text);
		assert_true(r == 0 || r == -EIO);
	}
	assert_true(n > 4);
	assert_int_equal(image_close(image), 0);
	fault.at = NEVER;
	close(fd);
	sector_free(cipher);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_read_that_fails_loses_anything),
		cmocka_unit_test(no_write_that_fails_loses_what_was_confirmed),
		cmocka_unit_test(a_call_that_is_cut_short_or_interrupted_goes_on),
		cmocka_unit_test(a_full_disk_loses_nothing),
		cmocka_unit_test(after_a_failed_sync_nothing_is_confirmed_any_more),
		cmocka_unit_test(opening_fails_at_each_call_or_not_at_all),
	};

	return cmocka_run_group_tests_name("image_fault", tests, NULL, NULL);
}
