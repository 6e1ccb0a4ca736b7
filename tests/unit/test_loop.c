/* Waiting: who wakes whom. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/loop.h"

/* At once: is it ready? */
static bool is_ready(void (*want)(struct loop *, int), int fd)
{
	struct loop loop;

	loop_reset(&loop);
	want(&loop, fd);
	loop_wake_at(&loop, 1); /* long past: do not wait */
	assert_int_equal(loop_wait(&loop), 0);
	return loop_ready(&loop, fd);
}

static void input_wakes_who_wants_it(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_false(is_ready(loop_want, pair[0]));
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	assert_true(is_ready(loop_want, pair[0]));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void who_waits_for_the_end_sleeps_through_input(void **state)
{
	int pair[2];

	(void)state;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(send(pair[1], "x", 1, 0), 1);
	assert_false(is_ready(loop_want_end, pair[0]));
	(void)close(pair[1]);
	assert_true(is_ready(loop_want_end, pair[0]));
	(void)close(pair[0]);
}

static void a_descriptor_that_is_not_there_is_not_waited_for(void **state)
{
	(void)state;
	assert_false(is_ready(loop_want, -1));
	assert_false(is_ready(loop_want_end, -1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(input_wakes_who_wants_it),
		cmocka_unit_test(who_waits_for_the_end_sleeps_through_input),
		cmocka_unit_test(a_descriptor_that_is_not_there_is_not_waited_for),
	};

	return cmocka_run_group_tests_name("loop", tests, NULL, NULL);
}
