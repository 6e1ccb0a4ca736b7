/* key_lab.h - the real bulkhead-key, between a supervisor and a decide that a test plays: its machine, and
 * what the two say and hear. */
#ifndef TESTS_UNIT_KEY_LAB_H
#define TESTS_UNIT_KEY_LAB_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
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

static inline void wait_readable(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, WAIT_MS), 1);
}

static inline void sup(const struct lab *lab, uint32_t verb, uint32_t what, uint32_t id,
		       const char *name, int fd)
{
	struct msg_sup msg = {
		.verb = verb, .what = what, .id = id, .config = { .uid_base = UID_BASE }
	};

	strcpy(msg.name, name);
	assert_int_equal(ipc_send(lab->sup_fd, &msg, sizeof(msg), fd), 0);
}

static inline void check_out(struct lab *lab)
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

static inline void start_key(struct lab *lab)
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

static inline int set_up(void **state)
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
static inline int end(struct lab *lab)
{
	int status = -1;

	(void)close(lab->sup_fd);
	assert_int_equal(waitpid(lab->pid, &status, 0), lab->pid);
	return status;
}

static inline int tear_down(void **state)
{
	struct lab *lab = *state;
	int status = end(lab);

	(void)close(lab->decide_fd);
	checkout_free(&lab->c);
	swtpm_peer_end(&lab->peer);
	free(lab);
	return status;
}

static inline void send_header(struct lab *lab)
{
	int fd = memfd_create("h", MFD_CLOEXEC);

	assert_int_equal(header_save(lab->c.header, fd), 0);
	sup(lab, SUP_RESOURCE, SUP_RES_DISK_HEADER, lab->id, "g1", fd);
	(void)close(fd);
}

/* block's end of a new one-shot socket */
static inline int send_oneshot(struct lab *lab)
{
	int pair[2];

	assert_int_equal(ipc_pair(pair), 0);
	sup(lab, SUP_RESOURCE, SUP_RES_DISK_ONESHOT, lab->id, "g1", pair[0]);
	(void)close(pair[0]);
	return pair[1];
}

static inline void send_order(struct lab *lab, uint32_t verb, const char *pin)
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

static inline enum reason answer(const struct lab *lab, struct msg_key_reply *ret)
{
	wait_readable(lab->decide_fd);
	assert_int_equal(ipc_recv(lab->decide_fd, ret, sizeof(*ret), NULL), 0);
	assert_int_equal(ret->id, lab->id);
	if (ret->reason != REASON_OK)
		print_message("%s: %s\n", reason_code(ret->reason), ret->detail);
	return ret->reason;
}

/* block takes the key, and says of its image what it has to say */
static inline void gets_the_key(const struct lab *lab, int fd, enum reason verdict)
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
static inline void gets_nothing(int fd)
{
	struct msg_volume_key key;

	wait_readable(fd);
	assert_int_equal(ipc_recv(fd, &key, sizeof(key), NULL), -EPIPE);
	(void)close(fd);
}

#endif
