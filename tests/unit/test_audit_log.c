#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>

#include "base/reason.h"
#include "policy/audit_verify.h"
#include "roles/audit_log.h"

static char path[64];

static int fresh(void **state)
{
	int fd;

	(void)state;
	if (sodium_init() < 0)
		return -1;
	memcpy(path, "/tmp/bulkhead-audit-XXXXXX", 27);
	fd = mkstemp(path);
	return fd < 0 || close(fd) < 0 ? -1 : 0;
}

static int gone(void **state)
{
	(void)state;
	return unlink(path);
}

static void open_log(struct audit_log *log)
{
	int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC);

	assert_true(fd >= 0);
	audit_log_open_take(log, &fd);
	assert_int_equal(fd, -1);
}

static void close_log(struct audit_log *log)
{
	assert_int_equal(close(log->fd), 0);
}

static const struct msg_audit event = {
	.id = 1, .kind = AUDIT_ZONE, .phase = AUDIT_EVENT, .subject = "eth0"
};

static void append(const char *text)
{
	FILE *f = fopen(path, "a");

	assert_non_null(f);
	assert_true(fputs(text, f) >= 0);
	assert_int_equal(fclose(f), 0);
}

/* Number of whole lines, all of them one chain; *ret_last is the last. */
static unsigned verified(struct audit_line *ret_last)
{
	struct audit_verify v;
	struct audit_break b;
	char line[AUDIT_LINE_BYTES + 2];
	unsigned n = 0;
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	audit_verify_begin(&v, NULL);
	while (fgets(line, sizeof(line), f)) {
		assert_int_equal(line[strlen(line) - 1], '\n');
		assert_int_equal(audit_verify_line(&v, line, strlen(line) - 1, ret_last), 0);
		n++;
	}
	assert_int_equal(fclose(f), 0);
	if (audit_verify_end(&v, 0, &b) < 0)
		fail_msg("%s", b.text);
	return n;
}

static void writes_a_chain_and_goes_on_after_a_restart(void **state)
{
	struct audit_log log;
	struct audit_line last;

	(void)state;
	for (unsigned life = 0; life < 3; life++) {
		open_log(&log);
		assert_int_equal(log.error, 0);
		for (unsigned i = 0; i < 5; i++)
			assert_int_equal(audit_log_write(&log, &event), 0);
		close_log(&log);
	}
	assert_int_equal(verified(&last), 15);
	assert_int_equal(last.seq, 15);
	assert_true(last.wall_ms > UINT64_C(1600000000000));
}

static void cuts_a_torn_line_and_says_so(void **state)
{
	struct audit_log log;
	struct audit_line last;

	(void)state;
	open_log(&log);
	assert_int_equal(audit_log_write(&log, &event), 0);
	close_log(&log);
	append("{\"v\":1,\"seq\":2,\"prev\"");
	open_log(&log);
	assert_int_equal(log.error, 0);
	assert_int_equal(verified(&last), 2);
	assert_int_equal(last.record.kind, AUDIT_RECOVER);
	assert_string_equal(last.record.detail,
			    "cut 21 bytes of a record that was not written to its end");
	assert_int_equal(audit_log_write(&log, &event), 0);
	assert_int_equal(verified(&last), 3);
	close_log(&log);
}

static void a_log_that_is_only_torn_begins_anew(void **state)
{
	struct audit_log log;
	struct audit_line last;

	(void)state;
	append("{\"v\":1");
	open_log(&log);
	assert_int_equal(log.error, 0);
	assert_int_equal(verified(&last), 1);
	assert_int_equal(last.seq, 1);
	close_log(&log);
}

static void never_writes_behind_a_line_that_is_not_its_own(void **state)
{
	struct audit_log log;
	char before[64];

	(void)state;
	append("this is not a record\n");
	open_log(&log);
	assert_int_equal(log.error, -EBADMSG);
	assert_int_equal(audit_log_write(&log, &event), -EBADMSG);
	close_log(&log);
	{
		FILE *f = fopen(path, "r");

		assert_non_null(f);
		assert_non_null(fgets(before, sizeof(before), f));
		assert_string_equal(before, "this is not a record\n");
		assert_null(fgets(before, sizeof(before), f));
		assert_int_equal(fclose(f), 0);
	}
}

static void without_a_descriptor_every_write_fails(void **state)
{
	struct audit_log log;
	int fd = -1;

	(void)state;
	audit_log_open_take(&log, &fd);
	assert_int_equal(log.error, -EBADF);
	assert_int_equal(audit_log_write(&log, &event), -EBADF);
}

static void a_full_disk_refuses_and_leaves_no_half_line(void **state)
{
	struct rlimit old, small = { .rlim_cur = 700, .rlim_max = RLIM_INFINITY };
	struct audit_log log;
	struct audit_line last;
	unsigned n = 0;
	int r;

	(void)state;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
	small.rlim_max = old.rlim_max;
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	open_log(&log);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
	while ((r = audit_log_write(&log, &event)) == 0)
		n++;
	assert_int_equal(r, -EFBIG);
	assert_in_range(n, 1, 3);
	assert_int_equal(verified(&last), n);
	/* room again: the chain goes on where it was */
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
	assert_int_equal(audit_log_write(&log, &event), 0);
	assert_int_equal(verified(&last), n + 1);
	close_log(&log);
}

/* fdatasync(2) fails on a pipe, as it does on a disk that lost a page. */
static void a_record_that_did_not_reach_the_disk_ends_the_log(void **state)
{
	struct audit_log log;
	int tube[2], fd;

	(void)state;
	assert_int_equal(pipe(tube), 0);
	fd = tube[1];
	log = (struct audit_log){ .fd = fd };
	audit_chain_begin(&log.chain);
	assert_int_equal(audit_log_write(&log, &event), -EINVAL);
	assert_int_equal(log.chain.next_seq, 1);
	log.fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC); /* were it sound again: nobody knows */
	assert_int_equal(audit_log_write(&log, &event), -EINVAL);
	close_log(&log);
	(void)close(tube[0]);
	(void)close(tube[1]);
}

static void a_record_out_of_range_does_not_end_the_log(void **state)
{
	struct msg_audit bad = event;
	struct audit_log log;
	struct audit_line last;

	(void)state;
	open_log(&log);
	bad.kind = N_AUDIT_KINDS;
	assert_int_equal(audit_log_write(&log, &bad), -EINVAL);
	assert_int_equal(audit_log_write(&log, &event), 0);
	assert_int_equal(verified(&last), 1);
	close_log(&log);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define CASE(f) cmocka_unit_test_setup_teardown(f, fresh, gone)
		CASE(writes_a_chain_and_goes_on_after_a_restart),
		CASE(cuts_a_torn_line_and_says_so),
		CASE(a_log_that_is_only_torn_begins_anew),
		CASE(never_writes_behind_a_line_that_is_not_its_own),
		CASE(without_a_descriptor_every_write_fails),
		CASE(a_full_disk_refuses_and_leaves_no_half_line),
		CASE(a_record_that_did_not_reach_the_disk_ends_the_log),
		CASE(a_record_out_of_range_does_not_end_the_log),
#undef CASE
	};

	return cmocka_run_group_tests_name("audit_log", tests, NULL, NULL);
}
