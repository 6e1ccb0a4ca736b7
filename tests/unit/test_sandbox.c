/* Each case is a child that enters a sandbox; how it ended is the answer. Needs root. */
#include <fcntl.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

#include <linux/capability.h>
#include <seccomp.h>

#include "base/sandbox.h"

static const int COMMON[] = { SANDBOX_COMMON, SCMP_SYS(getuid), -1 };

static const struct sandbox PROFILE = {
	.uid = 61234,
	.syscalls = COMMON,
	.n_fds_max = 64,
};

/* Status of a child that enters profile and then runs act(). */
static int ends(const struct sandbox *profile, void (*act)(void))
{
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		sandbox_enter(profile);
		act();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static void nothing(void)
{
	if (getuid() != 61234)
		_exit(9);
}

static void make_a_socket(void)
{
	(void)socket(AF_INET, SOCK_STREAM, 0);
}

static void open_a_file(void)
{
	(void)open("/etc/passwd", O_RDONLY);
}

static void a_role_works_on_inside_its_profile(void **state)
{
	int status = ends(&PROFILE, nothing);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

static void a_system_call_outside_the_list_kills(void **state)
{
	int status = ends(&PROFILE, make_a_socket);

	(void)state;
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
	status = ends(&PROFILE, open_a_file);
	assert_true(WIFSIGNALED(status));
	assert_int_equal(WTERMSIG(status), SIGSYS);
}

static void uid_0_is_no_sandbox(void **state)
{
	struct sandbox root = PROFILE;
	int status;

	(void)state;
	root.uid = 0;
	status = ends(&root, nothing);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

static void a_descriptor_too_many_ends_the_role(void **state)
{
	struct sandbox tight = PROFILE;
	int status;

	(void)state;
	tight.n_fds_max = 2;
	status = ends(&tight, nothing);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), EXIT_FAILURE);
}

static void keep_net_admin(void)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 };

	if (syscall(SYS_capget, &head, data) < 0 || data[0].effective != 1U << CAP_NET_ADMIN ||
	    data[0].permitted != 1U << CAP_NET_ADMIN || data[1].effective != 0)
		_exit(9);
}

static void exactly_the_capabilities_of_the_row_are_kept(void **state)
{
	static const int list[] = { SANDBOX_COMMON, SCMP_SYS(capget), -1 };
	struct sandbox nft = PROFILE;
	int status;

	(void)state;
	nft.caps = 1ULL << CAP_NET_ADMIN;
	nft.syscalls = list;
	status = ends(&nft, keep_net_admin);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

enum { FILE_BYTES_MAX = 4096 };

/* Status of a child that has a supplementary group, enters a profile with these calls and this log,
 * and acts. */
static int ends_with_log(int log_fd, void (*act)(void))
{
	static const int list[] = { SANDBOX_COMMON, SCMP_SYS(prctl), SCMP_SYS(getgroups),
				    SCMP_SYS(prlimit64), -1 };
	static const gid_t group = 61235;
	struct sandbox profile = PROFILE;
	pid_t pid = fork();
	int status;

	profile.syscalls = list;
	profile.file_bytes_max = FILE_BYTES_MAX;
	if (pid == 0) {
		if (setgroups(1, &group) < 0 || dup2(log_fd, STDERR_FILENO) < 0)
			_exit(8);
		(void)close(log_fd);
		sandbox_enter(&profile);
		act();
		_exit(0);
	}
	(void)close(log_fd);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static int ends_in_group(void (*act)(void))
{
	return ends_with_log(open("/dev/null", O_WRONLY | O_CLOEXEC), act);
}

static void keep_a_group(void)
{
	if (getgroups(0, NULL) != 0)
		_exit(9);
}

static void no_group_is_kept(void **state)
{
	(void)state;
	assert_int_equal(ends_in_group(keep_a_group), 0);
}

static void keep_a_way_back(void)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		_exit(9);
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		if (prctl(PR_CAPBSET_READ, cap, 0, 0, 0) > 0)
			_exit(10);
}

static void no_program_could_give_capabilities_back(void **state)
{
	(void)state;
	assert_int_equal(ends_in_group(keep_a_way_back), 0);
}

static void be_readable(void)
{
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		_exit(9);
}

static void nobody_of_the_same_uid_may_trace_a_role(void **state)
{
	(void)state;
	assert_int_equal(ends_in_group(be_readable), 0);
}

static void be_without_limits(void)
{
	struct rlimit processes, core, file;

	if (getrlimit(RLIMIT_NPROC, &processes) < 0 || getrlimit(RLIMIT_CORE, &core) < 0 ||
	    getrlimit(RLIMIT_FSIZE, &file) < 0)
		_exit(8);
	if (processes.rlim_max != 0 || core.rlim_max != 0 || file.rlim_max != FILE_BYTES_MAX)
		_exit(9);
}

static void a_role_makes_no_process_no_core_and_no_file_beyond_its_bound(void **state)
{
	(void)state;
	assert_int_equal(ends_in_group(be_without_limits), 0);
}

static void say_a_word(void)
{
	static const char word[] = "a line of the log\n";

	if (write(STDERR_FILENO, word, sizeof(word) - 1) < 0)
		_exit(9);
}

static void a_log_that_outgrew_a_roles_own_file_does_not_end_it(void **state)
{
	int log_fd = open("/tmp", O_TMPFILE | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);

	(void)state;
	assert_true(log_fd >= 0);
	assert_int_equal(ftruncate(log_fd, FILE_BYTES_MAX), 0);
	assert_int_equal(ends_with_log(log_fd, say_a_word), 0);
}

/* What a plugin's starter did before, or forgot. */
struct start {
	bool uid, caps, no_new_privs;
};

static int filter_after(const struct start *start)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct one[2] = { { .permitted = 1U << CAP_NET_RAW } };
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		if (prctl(PR_SET_KEEPCAPS, start->caps, 0, 0, 0) < 0 ||
		    (start->uid && setresuid(61234, 61234, 61234) < 0) ||
		    (start->caps && syscall(SYS_capset, &head, one) < 0) ||
		    (start->no_new_privs && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0))
			_exit(8);
		sandbox_filter_threads(COMMON);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void a_plugin_that_was_reduced_gets_its_filter(void **state)
{
	(void)state;
	assert_int_equal(filter_after(&(struct start){ .uid = true, .no_new_privs = true }), 0);
}

static void a_plugin_without_no_new_privs_gets_no_filter(void **state)
{
	(void)state;
	assert_int_equal(filter_after(&(struct start){ .uid = true }), EXIT_FAILURE);
}

static void a_plugin_that_is_root_ends(void **state)
{
	(void)state;
	assert_int_equal(filter_after(&(struct start){ .no_new_privs = true }), EXIT_FAILURE);
}

static void a_plugin_with_a_capability_left_ends(void **state)
{
	const struct start start = { .uid = true, .caps = true, .no_new_privs = true };

	(void)state;
	assert_int_equal(filter_after(&start), EXIT_FAILURE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_role_works_on_inside_its_profile),
		cmocka_unit_test(a_system_call_outside_the_list_kills),
		cmocka_unit_test(uid_0_is_no_sandbox),
		cmocka_unit_test(a_descriptor_too_many_ends_the_role),
		cmocka_unit_test(exactly_the_capabilities_of_the_row_are_kept),
		cmocka_unit_test(no_group_is_kept),
		cmocka_unit_test(no_program_could_give_capabilities_back),
		cmocka_unit_test(nobody_of_the_same_uid_may_trace_a_role),
		cmocka_unit_test(a_role_makes_no_process_no_core_and_no_file_beyond_its_bound),
		cmocka_unit_test(a_log_that_outgrew_a_roles_own_file_does_not_end_it),
		cmocka_unit_test(a_plugin_that_was_reduced_gets_its_filter),
		cmocka_unit_test(a_plugin_without_no_new_privs_gets_no_filter),
		cmocka_unit_test(a_plugin_that_is_root_ends),
		cmocka_unit_test(a_plugin_with_a_capability_left_ends),
	};

	if (getuid() != 0) {
		puts("needs root, as roles do");
		return 77;
	}
#ifdef SANITIZED
	puts("a sanitizer's own system calls are in no role's list");
	return 77;
#endif
	return cmocka_run_group_tests_name("sandbox", tests, NULL, NULL);
}
