#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "policy/accept.h"

static const struct accept_doc seven = {
	.serial = 7, .issued_wall_s = 1000000, .expires_wall_s = 2000000, .grace_s = 500
};

static void a_new_policy_needs_a_higher_serial(void **state)
{
	(void)state;
	assert_int_equal(accept_new(&seven, 0, false, 1500000), REASON_OK);
	assert_int_equal(accept_new(&seven, 6, false, 1500000), REASON_OK);
	assert_int_equal(accept_new(&seven, 8, false, 1500000), REASON_DOC_SERIAL);
	assert_int_equal(accept_new(&seven, 8, true, 1500000), REASON_DOC_SERIAL);
}

static void one_serial_stands_for_one_text(void **state)
{
	(void)state;
	assert_int_equal(accept_new(&seven, 7, false, 1500000), REASON_DOC_SERIAL);
	assert_int_equal(accept_new(&seven, 7, true, 1500000), REASON_OK);
}

static void a_new_policy_must_be_in_force(void **state)
{
	(void)state;
	assert_int_equal(accept_new(&seven, 6, false, 1999999), REASON_OK);
	assert_int_equal(accept_new(&seven, 6, false, 2000000), REASON_DOC_EXPIRED);
	assert_int_equal(accept_new(&seven, 6, false, 1000000 - ACCEPT_AHEAD_S), REASON_OK);
	assert_int_equal(accept_new(&seven, 6, false, 1000000 - ACCEPT_AHEAD_S - 1),
			 REASON_DOC_FUTURE);
}

static void the_serial_is_named_before_the_dates(void **state)
{
	(void)state;
	assert_int_equal(accept_new(&seven, 8, false, 3000000), REASON_DOC_SERIAL);
}

static void the_stored_policy_stands_when_it_has_expired_but_not_when_rolled_back(void **state)
{
	(void)state;
	assert_int_equal(accept_stored(&seven, 7), REASON_OK);
	assert_int_equal(accept_stored(&seven, 8), REASON_DOC_SERIAL);
}

static void unlocks_end_when_the_grace_ends(void **state)
{
	struct accept_doc d = seven;

	(void)state;
	assert_int_equal(accept_unlock(&d, 0), REASON_OK);
	assert_int_equal(accept_unlock(&d, 1999999), REASON_OK);
	assert_int_equal(accept_unlock(&d, 2000000), REASON_OK);
	assert_int_equal(accept_unlock(&d, 2000499), REASON_OK);
	assert_int_equal(accept_unlock(&d, 2000500), REASON_DOC_EXPIRED);
	assert_int_equal(accept_unlock(&d, UINT64_MAX), REASON_DOC_EXPIRED);
	d.grace_s = 0;
	assert_int_equal(accept_unlock(&d, 2000000), REASON_DOC_EXPIRED);
	/* a grace that would wrap */
	d.grace_s = UINT64_MAX;
	assert_int_equal(accept_unlock(&d, UINT64_MAX - 1), REASON_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_policy_needs_a_higher_serial),
		cmocka_unit_test(one_serial_stands_for_one_text),
		cmocka_unit_test(a_new_policy_must_be_in_force),
		cmocka_unit_test(the_serial_is_named_before_the_dates),
		cmocka_unit_test(
			the_stored_policy_stands_when_it_has_expired_but_not_when_rolled_back),
		cmocka_unit_test(unlocks_end_when_the_grace_ends),
	};

	return cmocka_run_group_tests_name("accept", tests, NULL, NULL);
}
