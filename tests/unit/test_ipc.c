#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <cmocka.h>

#include "base/defer.h"
#include "base/ipc.h"

struct note {
	uint32_t verb;
	uint32_t value;
};

static const struct note HELLO = { .verb = 1, .value = 0x62756c6b };

static void a_message_arrives_whole(void **state)
{
	struct note got;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO), -1), 0);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), 0);
	assert_memory_equal(&got, &HELLO, sizeof(got));
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void a_descriptor_travels_with_its_message(void **state)
{
	OWNS_FD int passed = -1;
	int pair[2], tube[2];
	struct note got;
	char c = 0;

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(pipe(tube), 0);
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO), tube[0]), 0);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), &passed), 0);
	assert_true(passed >= 0);
	assert_int_equal(write(tube[1], "x", 1), 1);
	assert_int_equal(read(passed, &c, 1), 1);
	assert_int_equal(c, 'x');
	for (int i = 0; i < 2; i++) {
		(void)close(pair[i]);
		(void)close(tube[i]);
	}
}

/* The kernel resets such a socket; nft's last word to decide comes this way. */
static void the_last_word_of_a_peer_that_read_nothing_arrives(void **state)
{
	struct note got;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send(pair[1], &HELLO, sizeof(HELLO), -1), 0); /* never read */
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO), -1), 0);
	(void)close(pair[0]);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), 0);
	assert_memory_equal(&got, &HELLO, sizeof(got));
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), -EPIPE);
	(void)close(pair[1]);
}

static void a_message_of_another_length_breaks_the_contract(void **state)
{
	struct note got;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO) - 1, -1), 0);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), -EPROTO);
	assert_int_equal(write(pair[0], "more than one struct note", 25), 25);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), -EPROTO);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void a_descriptor_that_nobody_expects_is_closed_and_refused(void **state)
{
	int pair[2], tube[2];
	struct note got;
	char c;

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(pipe(tube), 0);
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO), tube[1]), 0);
	(void)close(tube[1]);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), -EPROTO);
	assert_int_equal(read(tube[0], &c, 1), 0); /* end of file: no writer is left */
	(void)close(tube[0]);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

/* HELLO with n descriptors, as no sender of ours makes it. */
static void send_with(int fd, const int *fds, size_t n)
{
	struct note hello = HELLO;
	struct iovec iov = { .iov_base = &hello, .iov_len = sizeof(hello) };
	union {
		char space[CMSG_SPACE(4 * sizeof(int))];
		struct cmsghdr align;
	} control = { .space = { 0 } };
	struct msghdr h = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = control.space,
			    .msg_controllen = CMSG_SPACE(n * sizeof(int)) };

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN(n * sizeof(int));
	memcpy(CMSG_DATA(&control.align), fds, n * sizeof(int));
	assert_int_equal(sendmsg(fd, &h, 0), sizeof(hello));
}

/* Two fit into the room that alignment leaves behind one (cmsg(3)), three do not. */
static void more_descriptors_than_one_are_all_closed_and_refused(void **state)
{
	(void)state;
	for (size_t n = 2; n <= 3; n++) {
		int pair[2], tube[2], passed = -1;
		struct note got;
		char c;

		assert_int_equal(ipc_pair(pair), 0);
		assert_int_equal(pipe(tube), 0);
		send_with(pair[0], (const int[]){ tube[1], tube[1], tube[1] }, n);
		(void)close(tube[1]);
		assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), &passed), -EPROTO);
		assert_int_equal(passed, -1);
		assert_int_equal(fcntl(tube[0], F_SETFL, O_NONBLOCK), 0);
		assert_int_equal(read(tube[0], &c, 1), 0); /* end of file: no writer is left */
		(void)close(tube[0]);
		(void)close(pair[0]);
		(void)close(pair[1]);
	}
}

static void a_received_descriptor_does_not_outlive_an_exec(void **state)
{
	OWNS_FD int passed = -1;
	struct note got;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	assert_int_equal(ipc_send(pair[0], &HELLO, sizeof(HELLO), pair[0]), 0);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), &passed), 0);
	assert_int_equal(fcntl(passed, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

static void a_peer_that_is_gone_is_told_from_one_that_is_silent(void **state)
{
	struct note got;
	int pair[2];

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	(void)close(pair[0]);
	assert_int_equal(ipc_recv(pair[1], &got, sizeof(got), NULL), -EPIPE);
	assert_int_equal(ipc_send(pair[1], &HELLO, sizeof(HELLO), -1), -EPIPE);
	(void)close(pair[1]);
}

static void a_peer_that_does_not_read_never_blocks_us(void **state)
{
	int pair[2], r = 0;

	(void)state;
	assert_int_equal(ipc_pair(pair), 0);
	for (int i = 0; i < 100000 && r == 0; i++)
		r = ipc_send(pair[0], &HELLO, sizeof(HELLO), -1);
	assert_int_equal(r, -EAGAIN);
	(void)close(pair[0]);
	(void)close(pair[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_message_arrives_whole),
		cmocka_unit_test(a_descriptor_travels_with_its_message),
		cmocka_unit_test(the_last_word_of_a_peer_that_read_nothing_arrives),
		cmocka_unit_test(a_message_of_another_length_breaks_the_contract),
		cmocka_unit_test(a_descriptor_that_nobody_expects_is_closed_and_refused),
		cmocka_unit_test(more_descriptors_than_one_are_all_closed_and_refused),
		cmocka_unit_test(a_received_descriptor_does_not_outlive_an_exec),
		cmocka_unit_test(a_peer_that_is_gone_is_told_from_one_that_is_silent),
		cmocka_unit_test(a_peer_that_does_not_read_never_blocks_us),
	};

	return cmocka_run_group_tests_name("ipc", tests, NULL, NULL);
}
