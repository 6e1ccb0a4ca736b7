#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <sodium.h>

#include "base/secret.h"
#include "tests/unit/skip.h"

static void a_secret_is_zeroed_and_empty_after_release(void **state)
{
	struct secret s = { 0 };

	(void)state;
	assert_int_equal(secret_new(&s, 32), 0);
	assert_int_equal(s.len_bytes, 32);
	assert_true(sodium_is_zero(s.bytes, 32));
	secret_free(&s);
	assert_null(s.bytes);
	secret_free(&s); /* an empty one is fine */
}

/* libsodium alone would hand out pageable memory here. */
static void memory_that_cannot_be_locked_is_not_given(void **state)
{
	pid_t pid;
	int status;

	(void)state;
#ifdef SANITIZED
	skip_because(SKIP_NO_LOCK);
#endif
	pid = fork();
	if (pid == 0) {
		static const struct rlimit none = { 0, 0 };
		struct secret s = { 0 };

		if (setrlimit(RLIMIT_MEMLOCK, &none) < 0 || setuid(61234) < 0)
			_exit(9);
		_exit(secret_new(&s, 32) == -ENOMEM && !s.bytes ? 0 : 1);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The kernel's own account of this process. */
static unsigned long locked_kib(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	unsigned long kib = 0;
	char line[128];

	while (status && fgets(line, sizeof(line), status))
		if (strncmp(line, "VmLck:", 6) == 0)
			(void)sscanf(line + 6, "%lu", &kib);
	if (status)
		(void)fclose(status);
	return kib;
}

static void a_locked_process_leaves_no_core_and_no_page_behind(void **state)
{
	static const struct rlimit all = { RLIM_INFINITY, RLIM_INFINITY };
	struct rlimit core;
	pid_t pid;
	int status;

	(void)state;
#ifdef SANITIZED
	skip_because(SKIP_NO_LOCK);
#endif
	pid = fork();
	if (pid == 0) {
		bool may_lock = setrlimit(RLIMIT_MEMLOCK, &all) == 0;

		secret_lock_process();
		if (getrlimit(RLIMIT_CORE, &core) < 0 || core.rlim_max != 0)
			_exit(1);
		if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
			_exit(2);
		_exit(may_lock && locked_kib() == 0 ? 3 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_secret_is_zeroed_and_empty_after_release),
		cmocka_unit_test(memory_that_cannot_be_locked_is_not_given),
		cmocka_unit_test(a_locked_process_leaves_no_core_and_no_page_behind),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests_name("secret", tests, NULL, NULL);
}
