#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdint.h>
#include <string.h>

#include "base/util.h"
#include "hypervisor-glue/xenstore.h"

/* What needs a real store is in tests/xen. */

static void takes_the_names_that_people_give(void **state)
{
	static const char *const good[] = { "work", "Domain-0", "g7_dev.2+x" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(good); i++)
		assert_true(xenstore_name_ok(good[i], strlen(good[i])));
}

static void refuses_what_a_log_or_a_path_would_trip_over(void **state)
{
	static const char *const bad[] = { "", "a b", "a/b", "a\n", "a\"", "\xc3\xa4", "a;b" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(xenstore_name_ok(bad[i], strlen(bad[i])));
	assert_false(xenstore_name_ok("a\0b", 3));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(takes_the_names_that_people_give),
		cmocka_unit_test(refuses_what_a_log_or_a_path_would_trip_over),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
