/* The real bulkhead-key, between a supervisor and a decide that this test plays. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <cmocka.h>
#include <sodium.h>

#include "base/ipc.h"
#include "base/msg.h"
#include "base/reason.h"
#include "tests/unit/swtpm_peer.h"
#include "vhdcrypt/checkout.h"
#include "vhdcrypt/tpm.h"

enum { MASK = 1 << 4 | 1 << 9, UID_BASE = 64200, WAIT_MS = 20000 };
static const char pin_text[] = "271828";

struct lab {
	struct swtpm_peer peer;
	struct checkout c;
	pid_t pid;
	int sup_fd;
	int decide_fd;
	uint32_t id;
};

static void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static void sup(const struct lab *lab, uint32_t verb, uint32_t what, uint32_t id, const char *name,
		int fd)
{
	struct msg_sup msg = {
		.verb = verb, .what = what, .id = id, .config = { .uid_base = UID_BASE }
	};

	strcpy(msg.name, name);
	assert_int_equal(ipc_send(lab->sup_fd, &msg, sizeof(msg), fd), 0);
}

static void check_out(struct lab *lab)
{
	struct checkout_order order = { .pcr_mask = MASK, .disk_bytes = 4096, .sector_bytes = 512 };
	uint8_t name[TPM_NAME_BYTES];
	struct secret pin = { 0 };
	struct tpm *tpm;

	assert_int_equal(tpm_open(lab->peer.fd, &tpm), 0);
	assert_int_equal(tpm_srk_make(tpm), 0);
	assert_int_equal(tpm_srk_find(tpm, &order.srk, name), 0);
	assert_int_equal(tpm_pcr_read(tpm, MASK, order.pcr_value), 0);
	assert_int_equal(secret_new(&pin, sizeof(pin_text) - 1), 0);
	memcpy(pin.bytes, pin_text, sizeof(pin_text) - 1);
	assert_int_equal(checkout_make(&order, &pin, &lab->c), 0);
	secret_free(&pin);
	tpm_close(tpm);
}

static void start_key(struct lab *lab)
{
	const char *out = getenv("OUT");
	int to_sup[2], to_decide[2];
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/bulkhead-key", out ? out : "out");
	assert_int_equal(ipc_pair(to_sup), 0);
	assert_int_equal(ipc_pair(to_decide), 0);
	lab->pid = fork();
	if (lab->pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(to_sup[1], 63) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(63, 3) < 0)
			_exit(127);
		(void)syscall(SYS_close_range, 4, ~0U, 0);
		(void)execle(path, path, (char *)NULL, (char *const[]){ NULL });
		_exit(127);
	}
	(void)close(to_sup[1]);
	lab->sup_fd = to_sup[0];
	lab->decide_fd = to_decide[0];
	sup(lab, SUP_START, 0, 0, "", -1);
	sup(lab, SUP_PEER, ROLE_DECIDE, 0, "", to_decide[1]);
	sup(lab, SUP_RESOURCE, SUP_RES_TPM, 0, "", lab->peer.fd);
	sup(lab, SUP_GO, 0, 0, "", -1);
	(void)close(to_decide[1]);
}

static int set_up(void **state)
{
	struct lab *lab = calloc(1, sizeof(*lab));

	assert_true(sodium_init() >= 0);
	assert_int_equal(header_library_init(), 0);
	swtpm_peer_on(&lab->peer);
	swtpm_peer_measure(&lab->peer, 4, 4);
	swtpm_peer_measure(&lab->peer, 9, 9);
	check_out(lab);
	start_key(lab);
	*state = lab;
	return 0;
}

/* The supervisor goes: key must end by itself, in order. */
static int end(struct lab *lab)
{
	int status = -1;

	(void)close(lab->sup_fd);
	assert_int_equal(waitpid(lab->pid, &status, 0), lab->pid);
	return status;
}

static int tear_down(void **state)
{
	struct lab *lab = *state;
	int status = end(lab);

	(void)close(lab->decide_fd);
	checkout_free(&lab->c);
	swtpm_peer_end(&lab->peer);
	free(lab);
	return status;
}

static void send_header(struct lab *lab)
{
	int fd = memfd_create("h", MFD_CLOEXEC);

	assert_int_equal(header_save(lab->c.header, fd), 0);
	sup(lab, SUP_RESOURCE, SUP_RES_DISK_HEADER, lab->id, "g1", fd);
	(void)close(fd);
}

/* block's end of a new one-shot socket */
static int send_oneshot(struct lab *lab)
{
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	sup(lab, SUP_RESOURCE, SUP_RES_DISK_ONESHOT, lab->id, "g1", pair[0]);
	(void)close(pair[0]);
	return pair[1];
}

static void send_order(struct lab *lab, uint32_t verb, const char *pin)
{
	struct msg_key_order order = { .verb = verb, .id = lab->id, .lease = lab->c.lease };
	int pair[2] = { -1, -1 };

	if (verb != KEY_CHECKPOINT && verb != KEY_ANCHOR)
		strcpy(order.disk, "g1");
	if (pin) {
		assert_int_equal(pipe(pair), 0);
		assert_int_equal(write(pair[1], pin, strlen(pin)), strlen(pin));
		(void)close(pair[1]);
	}
	memset(order.head, 0x33, sizeof(order.head));
	assert_int_equal(ipc_send(lab->decide_fd, &order, sizeof(order), pair[0]), 0);
	if (pin)
		(void)close(pair[0]);
}

static enum reason answer(const struct lab *lab, struct msg_key_reply *ret)
{
	wait_readable(lab->decide_fd);
	assert_int_equal(ipc_recv(lab->decide_fd, ret, sizeof(*ret), NULL), 0);
	assert_int_equal(ret->id, lab->id);
	if (ret->reason != REASON_OK)
		print_message("%s: %s\n", reason_code(ret->reason), ret->detail);
	return ret->reason;
}

/* block takes the key, and says of its image what it has to say */
static void gets_the_key(const struct lab *lab, int fd, enum reason verdict)
{
	struct msg_volume_ready ready = { .reason = verdict, .detail = "block's words" };
	struct msg_volume_key key;

	wait_readable(fd);
	assert_int_equal(ipc_recv(fd, &key, sizeof(key), NULL), 0);
	assert_int_equal(key.n_layers, 1);
	assert_memory_equal(key.layer[0].key, lab->c.volume_key.bytes, 64);
	assert_memory_equal(key.layer[0].disk_uuid, lab->c.lease.disk_uuid, 16);
	assert_int_equal(key.layer[0].sector_bytes, 512);
	assert_int_equal(key.layer[0].disk_bytes, 4096);
	assert_int_equal(key.layer[0].plain, 0);
	assert_int_equal(ipc_send(fd, &ready, sizeof(ready), -1), 0);
	(void)close(fd);
}

/* No message: key closed its end without one. */
static void gets_nothing(int fd)
{
	struct msg_volume_key key;

	wait_readable(fd);
	assert_int_equal(ipc_recv(fd, &key, sizeof(key), NULL), -EPIPE);
	(void)close(fd);
}

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
