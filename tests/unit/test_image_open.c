/* Images that are sound and yet not ours to serve, or not to write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <cmocka.h>

#include "image_bench.h"
#include "vhdcrypt/vhd_map.h"

enum { SIZE = 8 * BENCH_MIB, FOOTER = VHD_FORMAT_FOOTER_BYTES, TABLE_AT = 1536 };

static int file_of(enum vhd_type type)
{
	int fd = bench_file();

	assert_int_equal(image_close(bench_create(fd, type, SIZE, NULL)), 0);
	return fd;
}

static off_t end_of(int fd)
{
	return lseek(fd, 0, SEEK_END);
}

static struct vhd_footer footer_of(int fd)
{
	uint8_t raw[FOOTER];
	struct vhd_fault fault;
	struct vhd_footer f;

	assert_int_equal(pread(fd, raw, sizeof(raw), end_of(fd) - FOOTER), FOOTER);
	assert_int_equal(vhd_format_footer_parse(raw, sizeof(raw), &f, &fault), 0);
	return f;
}

/* At the end, and in front where the kind of disk has a copy there. */
static void set_footer(int fd, const struct vhd_footer *f)
{
	uint8_t raw[FOOTER];

	vhd_format_footer_build(f, raw);
	assert_int_equal(pwrite(fd, raw, sizeof(raw), end_of(fd) - FOOTER), FOOTER);
	if (f->type != VHD_TYPE_FIXED)
		assert_int_equal(pwrite(fd, raw, sizeof(raw), 0), FOOTER);
}

/* Open, and what is wrong if that fails. */
static int opens(int fd, enum image_mode mode, char text[VHD_FAULT_TEXT_BYTES])
{
	struct vhd_fault fault = { 0 };
	struct image *image;
	int r = image_open(fd, mode, &image, &fault);

	text[0] = '\0';
	if (r == 0)
		assert_int_equal(image_close(image), 0);
	else
		(void)vhd_fault_text(&fault, text, VHD_FAULT_TEXT_BYTES);
	return r;
}

/* Alone it would show zeros where its parent has data, and take writes over that. */
static void a_differencing_disk_is_not_served(void **state)
{
	int fd = file_of(VHD_TYPE_DYNAMIC);
	struct vhd_footer f = footer_of(fd);
	char text[VHD_FAULT_TEXT_BYTES];

	(void)state;
	f.type = VHD_TYPE_DIFFERENCING;
	set_footer(fd, &f);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, text), -EOPNOTSUPP);
	assert_non_null(strstr(text, "differencing"));
	assert_int_equal(opens(fd, IMAGE_READ_WRITE, text), -EOPNOTSUPP);
	close(fd);
}

/* The machine's memory holds what its file systems have not written. */
static void the_disk_of_a_suspended_machine_takes_no_write(void **state)
{
	int fd = file_of(VHD_TYPE_DYNAMIC);
	struct vhd_footer f = footer_of(fd);
	char text[VHD_FAULT_TEXT_BYTES];

	(void)state;
	f.saved_state = 1;
	set_footer(fd, &f);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, text), 0);
	assert_int_equal(opens(fd, IMAGE_READ_WRITE, text), -EOPNOTSUPP);
	assert_non_null(strstr(text, "suspended"));
	close(fd);
}

static void a_fixed_disk_is_not_larger_than_its_file(void **state)
{
	int fd = file_of(VHD_TYPE_FIXED);
	struct vhd_footer f = footer_of(fd);
	char text[VHD_FAULT_TEXT_BYTES];

	(void)state;
	f.current_bytes += VHD_FORMAT_SECTOR_BYTES;
	set_footer(fd, &f);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, text), -EBADMSG);
	assert_non_null(strstr(text, "larger than the file"));
	f.current_bytes -= 2 * VHD_FORMAT_SECTOR_BYTES;
	set_footer(fd, &f);
	assert_int_equal(opens(fd, IMAGE_READ_ONLY, text), 0);
	close(fd);
}

/* Deciphered with zeros for its other half it would be noise, given out as data. */
static void half_a_crypto_sector_is_an_error_and_no_data(void **state)
{
	struct sector *cipher = bench_cipher(4096);
	int fd = bench_file();
	struct image *image = bench_create(fd, VHD_TYPE_DYNAMIC, SIZE, cipher);
	uint8_t buf[4096], entry[VHD_MAP_ENTRY_BYTES];
	uint32_t sector;

	(void)state;
	memset(buf, 0x5a, sizeof(buf));
	assert_int_equal(image_write(image, buf, sizeof(buf), 0), 0);
	assert_int_equal(image_close(image), 0);
	assert_int_equal(pread(fd, entry, sizeof(entry), TABLE_AT), sizeof(entry));
	vhd_map_table_parse(entry, 1, &sector);
	assert_int_equal(pwrite(fd, "\xf0", 1, (off_t)sector * 512), 1); /* four of eight bits */
	image = bench_open(fd, IMAGE_READ_ONLY, cipher);
	assert_int_equal(image_read(image, buf, sizeof(buf), 0), -EIO);
	assert_int_equal(image_read(image, buf, 512, 0), -EIO);
	assert_int_equal(image_read(image, buf, sizeof(buf), 4096), 0);
	assert_int_equal(image_close(image), 0);
	sector_free(cipher);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_differencing_disk_is_not_served),
		cmocka_unit_test(the_disk_of_a_suspended_machine_takes_no_write),
		cmocka_unit_test(a_fixed_disk_is_not_larger_than_its_file),
		cmocka_unit_test(half_a_crypto_sector_is_an_error_and_no_data),
	};

	return cmocka_run_group_tests_name("image_open", tests, NULL, NULL);
}
