#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/reason.h"

static void every_reason_has_a_code_of_its_own_and_a_text(void **state)
{
	(void)state;
	for (unsigned a = 0; a < N_REASONS; a++) {
		assert_true(strlen(reason_code((enum reason)a)) > 1);
		assert_true(strlen(reason_text((enum reason)a)) > 3);
		for (unsigned b = 0; b < a; b++)
			assert_string_not_equal(reason_code((enum reason)a),
						reason_code((enum reason)b));
	}
}

static void only_ok_exits_with_0(void **state)
{
	(void)state;
	assert_int_equal(reason_exit_status(REASON_OK), 0);
	for (unsigned a = 1; a < N_REASONS; a++)
		assert_in_range(reason_exit_status((enum reason)a), 1, 4);
}

static void a_number_from_outside_is_known_or_not(void **state)
{
	(void)state;
	assert_true(reason_known(REASON_INTERNAL));
	assert_false(reason_known(N_REASONS));
	assert_false(reason_known(UINT32_MAX));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_reason_has_a_code_of_its_own_and_a_text),
		cmocka_unit_test(only_ok_exits_with_0),
		cmocka_unit_test(a_number_from_outside_is_known_or_not),
	};

	return cmocka_run_group_tests_name("reason", tests, NULL, NULL);
}
