#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/bytes.h"

static const uint8_t EIGHT[] = { 1, 2, 3, 4, 5, 6, 7, 8 };

static void reads_big_endian(void **state)
{
	struct bytes b = bytes_of(EIGHT, sizeof(EIGHT));

	(void)state;
	assert_int_equal(bytes_u8(&b), 0x01);
	assert_int_equal(bytes_be16(&b), 0x0203);
	assert_int_equal(bytes_be32(&b), 0x04050607);
	assert_int_equal(bytes_left(&b), 1);
	b = bytes_of(EIGHT, sizeof(EIGHT));
	assert_true(bytes_be64(&b) == 0x0102030405060708);
	assert_true(bytes_ok(&b));
}

static void a_failed_read_poisons_all_that_follow(void **state)
{
	struct bytes b = bytes_of(EIGHT, 3);
	uint8_t copy[2] = { 9, 9 };

	(void)state;
	assert_int_equal(bytes_be32(&b), 0);
	assert_false(bytes_ok(&b));
	assert_int_equal(bytes_left(&b), 0);
	assert_int_equal(bytes_u8(&b), 0);
	assert_null(bytes_take(&b, 0));
	bytes_copy(&b, copy, sizeof(copy));
	assert_int_equal(copy[0] | copy[1], 0);
}

static void a_part_ends_where_it_was_cut(void **state)
{
	struct bytes b = bytes_of(EIGHT, sizeof(EIGHT));
	struct bytes part = bytes_sub(&b, 2);

	(void)state;
	assert_int_equal(bytes_be16(&part), 0x0102);
	assert_int_equal(bytes_u8(&part), 0);
	assert_false(bytes_ok(&part));
	assert_int_equal(bytes_u8(&b), 3);
	part = bytes_sub(&b, 6);
	assert_false(bytes_ok(&part));
	assert_false(bytes_ok(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_big_endian),
		cmocka_unit_test(a_failed_read_poisons_all_that_follow),
		cmocka_unit_test(a_part_ends_where_it_was_cut),
	};

	return cmocka_run_group_tests_name("bytes", tests, NULL, NULL);
}
