/* bulkhead-key: who gets a key, who gets none, and what a peer may not do. */
#include "tests/unit/key_lab.h"

static void unlocks_whatever_comes_first(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply reply;
	int block;

	lab->id = 1; /* header, socket, order */
	send_header(lab);
	block = send_oneshot(lab);
	send_order(lab, KEY_UNLOCK, "271828\n");
	gets_the_key(lab, block, REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
	send_order(lab, KEY_LOCK, NULL);
	assert_int_equal(answer(lab, &reply), REASON_OK);

	lab->id = 2; /* order, header, socket */
	send_order(lab, KEY_UNLOCK, pin_text);
	send_header(lab);
	gets_the_key(lab, send_oneshot(lab), REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
	/* block dies, the supervisor starts another one, without an order */
	gets_the_key(lab, send_oneshot(lab), REASON_OK);
	gets_the_key(lab, send_oneshot(lab), REASON_OK);

	send_order(lab, KEY_UNLOCK, pin_text);
	assert_int_equal(answer(lab, &reply), REASON_DISK_BUSY);
}

static void a_locked_disk_has_no_key_for_anybody(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply reply;
	struct pollfd pfd = { .events = POLLIN };
	int block;

	lab->id = 3;
	send_order(lab, KEY_UNLOCK, pin_text);
	send_header(lab);
	gets_the_key(lab, send_oneshot(lab), REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
	send_order(lab, KEY_LOCK, NULL);
	assert_int_equal(answer(lab, &reply), REASON_OK);
	pfd.fd = block = send_oneshot(lab);
	do { /* by two ways: the order may come in before the socket, which then waits for another */
		send_order(lab, KEY_LOCK, NULL);
		assert_int_equal(answer(lab, &reply), REASON_OK);
	} while (poll(&pfd, 1, 100) == 0);
	gets_nothing(block);
}

static void a_wrong_pin_gives_block_nothing_and_decide_the_tries(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply reply;
	int block;

	lab->id = 4;
	block = send_oneshot(lab);
	send_header(lab);
	send_order(lab, KEY_UNLOCK, "314159");
	assert_int_equal(answer(lab, &reply), REASON_PIN_WRONG);
	assert_true(reply.tries_left > 0);
	gets_nothing(block);
	lab->id = 5; /* and the next one is not disturbed by it */
	send_header(lab);
	block = send_oneshot(lab);
	send_order(lab, KEY_UNLOCK, pin_text);
	gets_the_key(lab, block, REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
}

/* Until key has read all that the supervisor sent. */
static void wait_read(const struct lab *lab)
{
	int left = 1;

	for (unsigned i = 0; left > 0 && i < WAIT_MS; i++) {
		assert_int_equal(ioctl(lab->sup_fd, TIOCOUTQ, &left), 0);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(left, 0);
}

static void a_socket_of_another_decision_gets_no_key(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply reply;
	int before, beside;

	lab->id = 20; /* its order never came */
	before = send_oneshot(lab);
	wait_read(lab);
	lab->id = 21;
	send_order(lab, KEY_UNLOCK, pin_text);
	gets_nothing(before);
	lab->id = 22;
	beside = send_oneshot(lab);
	gets_nothing(beside);
	lab->id = 21;
	send_header(lab);
	gets_the_key(lab, send_oneshot(lab), REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
}

/* What block says of the image is the unlock's answer; and then the key is gone. */
static void an_image_that_block_refuses_stays_locked(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply reply;
	int block;

	lab->id = 30;
	send_order(lab, KEY_UNLOCK, pin_text);
	send_header(lab);
	gets_the_key(lab, send_oneshot(lab), REASON_IMAGE);
	assert_int_equal(answer(lab, &reply), REASON_IMAGE);
	assert_string_equal(reply.detail, "block's words");
	block = send_oneshot(lab); /* a block that should not be there any more */
	wait_read(lab);
	lab->id = 31;
	send_order(lab, KEY_UNLOCK, pin_text);
	gets_nothing(block);
	send_header(lab);
	block = send_oneshot(lab);
	wait_readable(block);
	(void)close(block); /* it dies with the key in its hands */
	assert_int_equal(answer(lab, &reply), REASON_INTERNAL);
}

static void checkpoints_are_counted_and_read_back(void **state)
{
	struct lab *lab = *state;
	struct msg_key_reply a, b;

	lab->id = 6;
	send_order(lab, KEY_ANCHOR, NULL);
	assert_int_equal(answer(lab, &a), REASON_TPM_ERROR);
	assert_non_null(strstr(a.detail, "no checkpoint"));
	send_order(lab, KEY_CHECKPOINT, NULL);
	assert_int_equal(answer(lab, &a), REASON_OK);
	send_order(lab, KEY_ANCHOR, NULL);
	assert_int_equal(answer(lab, &b), REASON_OK);
	assert_int_equal(a.counter, b.counter);
	assert_memory_equal(a.extended, b.extended, 32);
}

static void its_end_costs_the_user_no_try(void **state)
{
	struct lab *lab = *state;
	struct tpm_lockout l;
	struct msg_key_reply reply;
	struct tpm *tpm;

	lab->id = 7;
	send_order(lab, KEY_UNLOCK, pin_text);
	send_header(lab);
	gets_the_key(lab, send_oneshot(lab), REASON_OK);
	assert_int_equal(answer(lab, &reply), REASON_OK);
	assert_int_equal(end(lab), 0);
	swtpm_peer_cut(&lab->peer);
	swtpm_peer_on(&lab->peer);
	assert_int_equal(tpm_open(lab->peer.fd, &tpm), 0);
	assert_int_equal(tpm_lockout_read(tpm, &l), 0);
	assert_int_equal(l.n_failed, 0);
	tpm_close(tpm);
	start_key(lab);
}

static void ends_by_it_and_begins_anew(struct lab *lab)
{
	struct msg_key_reply reply;
	int status;

	wait_readable(lab->decide_fd);
	assert_int_equal(ipc_recv(lab->decide_fd, &reply, sizeof(reply), NULL), -EPIPE);
	assert_int_equal(waitpid(lab->pid, &status, 0), lab->pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
	(void)close(lab->sup_fd);
	(void)close(lab->decide_fd);
	start_key(lab);
}

static void a_peer_that_breaks_the_contract_ends_it(void **state)
{
	struct msg_key_order order = { .verb = KEY_LOCK, .id = 8 };
	struct lab *lab = *state;
	int fd = memfd_create("no pipe", MFD_CLOEXEC);

	lab->id = 8;
	send_order(lab, N_KEY_VERBS + 5, NULL);
	ends_by_it_and_begins_anew(lab);
	/* a lock of no disk */
	assert_int_equal(ipc_send(lab->decide_fd, &order, sizeof(order), -1), 0);
	ends_by_it_and_begins_anew(lab);
	/* a PIN out of a file: it would be on a disk */
	order.verb = KEY_UNLOCK;
	strcpy(order.disk, "g1");
	assert_int_equal(ipc_send(lab->decide_fd, &order, sizeof(order), fd), 0);
	ends_by_it_and_begins_anew(lab);
	(void)close(fd);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(unlocks_whatever_comes_first),
		TEST(a_locked_disk_has_no_key_for_anybody),
		TEST(a_wrong_pin_gives_block_nothing_and_decide_the_tries),
		TEST(a_socket_of_another_decision_gets_no_key),
		TEST(an_image_that_block_refuses_stays_locked),
		TEST(checkpoints_are_counted_and_read_back),
		TEST(its_end_costs_the_user_no_try),
		TEST(a_peer_that_breaks_the_contract_ends_it),
	};

	(void)setenv("TSS2_LOG", "all+none", 1);
	if (geteuid() != 0) {
		puts("1..0 # SKIP needs root: key gives up its uid");
		return 77;
	}
	return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
