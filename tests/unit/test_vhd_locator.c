#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "vhdcrypt/vhd_locator.h"

/* ASCII to UTF-16LE; how many bytes. */
static size_t wide(const char *text, uint8_t *out)
{
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		out[2 * i] = (uint8_t)text[i];
		out[2 * i + 1] = 0;
	}
	return 2 * n;
}

static int parse(uint32_t code, const char *text, char name[VHD_LOCATOR_NAME_BYTES],
		 struct vhd_fault *fault)
{
	static uint8_t data[4096];

	if (code == VHD_LOCATOR_MACX)
		return vhd_locator_name_parse(code, text, strlen(text), name, fault);
	return vhd_locator_name_parse(code, data, wide(text, data), name, fault);
}

static void assert_named(uint32_t code, const char *text, const char *want)
{
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	assert_int_equal(parse(code, text, name, &fault), 0);
	assert_string_equal(name, want);
}

static void assert_refused(uint32_t code, const char *text, uint64_t position)
{
	char name[VHD_LOCATOR_NAME_BYTES] = "untouched";
	struct vhd_fault fault;

	assert_int_equal(parse(code, text, name, &fault), -EBADMSG);
	assert_string_equal(name, "untouched");
	assert_string_equal(fault.part, "parent name");
	assert_int_equal(fault.value, position);
}

/* The two that Windows wrote into win8-child.vhd, and what tapdisk writes. */
static void real_spellings_name_the_file_beside(void **state)
{
	(void)state;
	assert_named(VHD_LOCATOR_W2KU, "C:\\Users\\sergi\\Downloads\\win8.vhd", "win8.vhd");
	assert_named(VHD_LOCATOR_W2RU, ".\\win8.vhd", "win8.vhd");
	assert_named(VHD_LOCATOR_W2RU, "win8.vhd", "win8.vhd");
	assert_named(VHD_LOCATOR_W2KU, "./base.vhd", "base.vhd");
	assert_named(VHD_LOCATOR_MACX, "file://./base.vhd", "base.vhd");
}

static void of_an_absolute_path_the_last_part_is_taken(void **state)
{
	(void)state;
	assert_named(VHD_LOCATOR_W2KU, "\\\\server\\share\\gold.vhd", "gold.vhd");
	assert_named(VHD_LOCATOR_W2KU, "d:gold.vhd", "gold.vhd");
	assert_named(VHD_LOCATOR_W2KU, "/srv/images/gold.vhd", "gold.vhd");
	assert_named(VHD_LOCATOR_MACX, "file:///Users/me/a%20b.vhd", "a%20b.vhd");
	assert_named(VHD_LOCATOR_MACX, "file://localhost/Users/me/gold.vhd", "gold.vhd");
}

static void a_relative_path_out_of_the_folder_is_refused(void **state)
{
	(void)state;
	assert_refused(VHD_LOCATOR_W2RU, "..\\..\\etc\\passwd", 4);
	assert_refused(VHD_LOCATOR_W2RU, ".\\..\\gold.vhd", 8);
	assert_refused(VHD_LOCATOR_W2RU, "..", 4);
	assert_refused(VHD_LOCATOR_W2RU, "sub\\gold.vhd", 24);
	assert_refused(VHD_LOCATOR_W2KU, "C:\\a\\..\\gold.vhd", 14);
	assert_refused(VHD_LOCATOR_W2KU, "C:\\gold\\..", 20);
	assert_refused(VHD_LOCATOR_MACX, "file://elsewhere/gold.vhd", 18);
	assert_refused(VHD_LOCATOR_MACX, "file://../gold.vhd", 2);
}

static void devices_and_folders_are_refused(void **state)
{
	(void)state;
	assert_refused(VHD_LOCATOR_W2KU, "\\\\.\\PhysicalDrive0", 6);
	assert_refused(VHD_LOCATOR_W2KU, "\\\\?\\C:\\gold.vhd", 6);
	assert_refused(VHD_LOCATOR_W2RU, ".\\", 4);
	assert_refused(VHD_LOCATOR_W2RU, ".", 2);
	assert_refused(VHD_LOCATOR_W2KU, "C:\\", 6);
	assert_refused(VHD_LOCATOR_W2RU, "gold.vhd:stream", 16);
	assert_refused(VHD_LOCATOR_W2RU, "go\nld.vhd", 4);
	assert_refused(VHD_LOCATOR_MACX, "http://x/gold.vhd", 0);
}

static void text_that_is_not_utf_16_is_refused(void **state)
{
	static const struct {
		uint8_t data[6];
		size_t n;
	} bad[] = {
		{ { 'a', 0, 'b' }, 3 },		     /* half a unit */
		{ { 0, 0xd8, 'a', 0 }, 4 },	     /* high surrogate alone */
		{ { 0, 0xd8 }, 2 },		     /* at the end */
		{ { 0, 0xdc, 0, 0xd8, 'a', 0 }, 6 }, /* low one first */
		{ { 'a', 0, 0, 0, 'b', 0 }, 6 },     /* NUL in the middle */
	};
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(vhd_locator_name_parse(VHD_LOCATOR_W2RU, bad[i].data, bad[i].n,
							name, &fault),
				 -EBADMSG);
}

static void text_that_is_not_utf_8_is_refused(void **state)
{
	static const char *const bad[] = {
		"\x80", "\xc3", "\xc0\xaf", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff"
	};
	char name[VHD_LOCATOR_NAME_BYTES], url[32];
	struct vhd_fault fault;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		strcpy(stpcpy(url, "file://./"), bad[i]);
		assert_int_equal(parse(VHD_LOCATOR_MACX, url, name, &fault), -EBADMSG);
		assert_int_equal(fault.value, 2);
	}
}

static void nothing_at_all_is_no_name(void **state)
{
	uint8_t field[VHD_FORMAT_PARENT_NAME_BYTES] = { 0 };
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	(void)state;
	assert_int_equal(parse(VHD_LOCATOR_W2RU, "", name, &fault), -ENODATA);
	assert_int_equal(vhd_locator_header_name_parse(field, name, &fault), -ENODATA);
	assert_int_equal(vhd_locator_name_parse(0x57326b74, "x", 1, name, &fault), -ENODATA);
}

static void a_name_longer_than_any_file_has_is_refused(void **state)
{
	char text[400], name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	(void)state;
	memset(text, 'n', sizeof(text));
	text[255] = '\0';
	assert_named(VHD_LOCATOR_W2RU, text, text);
	text[255] = 'n';
	text[256] = '\0';
	assert_int_equal(parse(VHD_LOCATOR_W2RU, text, name, &fault), -EBADMSG);
	assert_int_equal(fault.value, 510);
}

static void data_above_64_kib_is_refused(void **state)
{
	static uint8_t data[VHD_LOCATOR_DATA_MAX_BYTES + 2];
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;

	(void)state;
	data[0] = 'a';
	assert_int_equal(
		vhd_locator_name_parse(VHD_LOCATOR_W2RU, data, sizeof(data) - 2, name, &fault), 0);
	assert_int_equal(vhd_locator_name_parse(VHD_LOCATOR_W2RU, data, sizeof(data), name, &fault),
			 -EBADMSG);
}

/* What is built is read back, in both places; odd scripts included. */
static void names_survive_the_way_there_and_back(void **state)
{
	static const char *const names[] = { "gold.vhd", "größe €.vhd", "\xf0\x9f\x92\xbe.vhd",
					     "a" };
	uint8_t data[VHD_LOCATOR_BUILT_MAX_BYTES], field[VHD_FORMAT_PARENT_NAME_BYTES];
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(vhd_locator_build(names[i], data, &n), 0);
		assert_memory_equal(data, ".\0\\\0", 4);
		assert_int_equal(vhd_locator_name_parse(VHD_LOCATOR_W2RU, data, n, name, &fault),
				 0);
		assert_string_equal(name, names[i]);
		assert_int_equal(vhd_locator_header_name_build(names[i], field), 0);
		assert_int_equal(vhd_locator_header_name_parse(field, name, &fault), 0);
		assert_string_equal(name, names[i]);
	}
}

static void a_name_that_would_not_come_back_is_not_built(void **state)
{
	static const char *const names[] = { "", ".", "..", "a/b", "a\\b", "c:d", "\xff", "/a" };
	uint8_t data[VHD_LOCATOR_BUILT_MAX_BYTES], field[VHD_FORMAT_PARENT_NAME_BYTES];
	size_t n;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		assert_int_equal(vhd_locator_build(names[i], data, &n), -EINVAL);
		assert_int_equal(vhd_locator_header_name_build(names[i], field), -EINVAL);
	}
}

/* Cut anywhere it is refused, or is a name that is a beginning of the whole one. */
static void every_truncation_is_refused_or_a_beginning(void **state)
{
	uint8_t data[VHD_LOCATOR_BUILT_MAX_BYTES];
	char name[VHD_LOCATOR_NAME_BYTES];
	struct vhd_fault fault;
	size_t n;

	(void)state;
	assert_int_equal(vhd_locator_build("gold\xf0\x9f\x92\xbe.vhd", data, &n), 0);
	for (size_t cut = 0; cut < n; cut++) {
		int r = vhd_locator_name_parse(VHD_LOCATOR_W2RU, data, cut, name, &fault);

		assert_true(
			r == -EBADMSG || r == -ENODATA ||
			(r == 0 && strncmp("gold\xf0\x9f\x92\xbe.vhd", name, strlen(name)) == 0));
	}
}

/* Windows: 4096 and 65536 bytes; tapdisk: 512 bytes; the specification: sectors. */
static void space_is_sectors_when_small_and_bytes_when_whole_sectors(void **state)
{
	static const uint32_t space[][2] = {
		{ 0, 0 },
		{ 1, 512 },
		{ 8, 4096 },
		{ 128, 65536 },
		{ 511, 65536 },
		{ 512, 512 },
		{ 513, 0 },
		{ 4096, 4096 },
		{ 65536, 65536 },
		{ 1 << 20, 65536 },
		{ 0xfffffe00, 65536 },
		{ 0xfffffff0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(space) / sizeof(space[0]); i++) {
		struct vhd_header_locator l = { .space = space[i][0] };

		assert_int_equal(vhd_locator_space_bytes(&l), space[i][1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(real_spellings_name_the_file_beside),
		cmocka_unit_test(of_an_absolute_path_the_last_part_is_taken),
		cmocka_unit_test(a_relative_path_out_of_the_folder_is_refused),
		cmocka_unit_test(devices_and_folders_are_refused),
		cmocka_unit_test(text_that_is_not_utf_16_is_refused),
		cmocka_unit_test(text_that_is_not_utf_8_is_refused),
		cmocka_unit_test(nothing_at_all_is_no_name),
		cmocka_unit_test(a_name_longer_than_any_file_has_is_refused),
		cmocka_unit_test(data_above_64_kib_is_refused),
		cmocka_unit_test(names_survive_the_way_there_and_back),
		cmocka_unit_test(a_name_that_would_not_come_back_is_not_built),
		cmocka_unit_test(every_truncation_is_refused_or_a_beginning),
		cmocka_unit_test(space_is_sectors_when_small_and_bytes_when_whole_sectors),
	};

	return cmocka_run_group_tests_name("vhd_locator", tests, NULL, NULL);
}
