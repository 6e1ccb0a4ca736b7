/* An image that is marked as half converted is nobody's to open, whichever copy has the mark. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "image_bench.h"

enum { SIZE = 4 * BENCH_MIB };

static void refused(int fd)
{
	struct vhd_fault fault;
	struct image *image;

	assert_int_equal(image_open(fd, IMAGE_READ_ONLY, &image, &fault), -EBADMSG);
	assert_string_equal(fault.field, "cookie");
	assert_int_equal(image_open(fd, IMAGE_READ_WRITE, &image, &fault), -EBADMSG);
	assert_int_equal(image_open(fd, IMAGE_CONVERT, &image, &fault), 0);
	assert_true(image_info(image)->poisoned);
	assert_int_equal(image_close(image), 0);
}

static void marked(enum vhd_type type)
{
	int fd = bench_file(), start_marked, end_marked;
	struct vhd_fault fault;
	struct image *image;
	uint8_t before[512];
	off_t end;

	assert_int_equal(image_close(bench_create(fd, type, SIZE, NULL)), 0);
	end = lseek(fd, 0, SEEK_END) - 512;
	assert_int_equal(pread(fd, before, 512, end), 512);
	assert_int_equal(image_open(fd, IMAGE_CONVERT, &image, &fault), 0);
	assert_false(image_info(image)->poisoned);
	assert_int_equal(image_poison(image, true), 0);
	refused(fd);
	/* a power cut between the two marks, of which each may be the first to reach the disk */
	start_marked = bench_copy(fd);
	assert_int_equal(pwrite(start_marked, before, 512, end), 512);
	end_marked = bench_copy(fd);
	if (type != VHD_TYPE_FIXED) {
		assert_int_equal(pwrite(end_marked, before, 512, 0), 512);
		refused(start_marked);
	}
	refused(end_marked);
	assert_int_equal(image_poison(image, false), 0);
	assert_int_equal(image_close(image), 0);
	image = bench_open(fd, IMAGE_READ_WRITE, NULL);
	assert_true(image_info(image)->footers_agree);
	assert_int_equal(image_close(image), 0);
	close(fd);
	close(start_marked);
	close(end_marked);
}

static void one_mark_is_enough_to_refuse(void **state)
{
	(void)state;
	marked(VHD_TYPE_DYNAMIC);
	marked(VHD_TYPE_FIXED);
}

static void the_payload_of_a_fixed_disk_is_no_mark(void **state)
{
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_FIXED, SIZE, NULL);

	(void)state;
	assert_int_equal(image_write(image, "v_poison", 8, 0), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(image_close(bench_open(fd, IMAGE_READ_WRITE, NULL)), 0);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_mark_is_enough_to_refuse),
		cmocka_unit_test(the_payload_of_a_fixed_disk_is_no_mark),
	};

	return cmocka_run_group_tests_name("image_poison", tests, NULL, NULL);
}
