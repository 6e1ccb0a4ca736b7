/* bulkhead-key: the only process that knows keys, and nothing else. See key.h. */
#include "roles/key.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/reason.h"
#include "vhdcrypt/detail.h"
#include "vhdcrypt/tpm_nv.h"

void key_reply(const struct key *key, const struct msg_key_reply *reply)
{
	int fd = key->role.peer_fd[ROLE_DECIDE];
	int r = fd < 0 ? -EPIPE : ipc_send(fd, reply, sizeof(*reply), -1);

	if (r < 0)
		log_warn(r, "answer %u does not reach decide", (unsigned)reply->id);
}

/* Unless the TPM is told about the end, right PINs count as wrong ones at its next start. */
static _Noreturn void leave(struct key *key)
{
	key_disk_forget_all(key);
	if (key->tpm) {
		int r = tpm_shutdown(key->tpm);

		if (r < 0)
			log_warn(r, "shut the TPM down");
	}
	tpm_close(key->tpm);
	exit(EXIT_SUCCESS);
}

static void open_tpm(struct key *key)
{
	int r;

	key->tpm_fd = role_resource_take(&key->role, SUP_RES_TPM);
	if (key->tpm_fd < 0) {
		log_warn(0, "no TPM: disks stay locked, the audit log has no anchor");
		return;
	}
	r = tpm_open(key->tpm_fd, &key->tpm);
	if (r < 0)
		die("start the TSS: %s", strerror(-r));
}

static void anchor(struct key *key, const struct msg_key_order *order)
{
	struct msg_key_reply reply = { .id = order->id };
	uint8_t name[TPM_NAME_BYTES];
	struct tpm_nv_anchor a = { 0 };
	struct detail detail = { 0 };
	struct tpm_srk srk;
	int r = key->tpm ? tpm_srk_find(key->tpm, &srk, name) : -ENODEV;

	if (r == 0)
		r = order->verb == KEY_CHECKPOINT ? tpm_nv_checkpoint(key->tpm, order->head, &a)
						  : tpm_nv_anchor(key->tpm, &a);
	if (r < 0) {
		reply.reason = REASON_TPM_ERROR;
		detail_set(&detail, "%s: %s (TPM response code 0x%03x)",
			   order->verb == KEY_CHECKPOINT ? "extend and count" : "read the anchor",
			   r == -ENODATA ? "there has been no checkpoint yet" : strerror(-r),
			   key->tpm ? (unsigned)tpm_rc(key->tpm) : 0);
		memcpy(reply.detail, detail.text, sizeof(reply.detail));
	} else {
		reply.counter = a.counter;
		memcpy(reply.extended, a.extended, sizeof(reply.extended));
	}
	key_reply(key, &reply);
	/* a new process gets a new descriptor; but not at the price of open disks */
	if (r == -ENODEV && key->tpm && !key_disk_any_unlocked(key))
		die("the TPM does not answer");
}

static void serve_decide(struct key *key)
{
	struct msg_key_order order;
	OWNS_FD int fd = -1;
	int r = ipc_recv(key->role.peer_fd[ROLE_DECIDE], &order, sizeof(order), &fd);

	if (r == -EPIPE) { /* a successor comes by way of the supervisor */
		(void)close(take_fd(&key->role.peer_fd[ROLE_DECIDE]));
		return;
	}
	if (r == -EAGAIN)
		return;
	if (r < 0 || !msg_text_ok(order.disk, sizeof(order.disk)))
		die("decide broke its contract");
	if (order.verb == KEY_CHECKPOINT || order.verb == KEY_ANCHOR)
		anchor(key, &order);
	else if (order.disk[0] == '\0')
		die("decide sent an order without a disk");
	else if (order.verb == KEY_UNLOCK || order.verb == KEY_SNAPSHOT || order.verb == KEY_MERGE)
		key_disk_order(key, &order, take_fd(&fd));
	else if (order.verb == KEY_LOCK)
		key_disk_lock(key, &order);
	else
		die("decide sent verb %u", (unsigned)order.verb);
}

/* The supervisor's end means ours, but in order. */
static void serve_supervisor(struct key *key)
{
	struct msg_sup msg;
	OWNS_FD int fd = -1;
	char byte;
	struct iovec one = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr peek = { .msg_iov = &one, .msg_iovlen = 1 };

	if (recvmsg(ROLE_SUP_FD, &peek, MSG_PEEK | MSG_DONTWAIT) == 0)
		leave(key);
	role_recv_sup(&key->role, &msg, &fd);
	if (msg.verb == SUP_RESOURCE &&
	    (msg.what == SUP_RES_DISK_HEADER || msg.what == SUP_RES_DISK_ONESHOT))
		key_disk_resource(key, &msg, take_fd(&fd));
	else if (msg.verb != SUP_PEER)
		die("the supervisor sent verb %u", (unsigned)msg.verb);
}

static void wait_once(struct key *key)
{
	struct loop loop;

	loop_reset(&loop);
	loop_want(&loop, ROLE_SUP_FD);
	loop_want(&loop, key->signal_fd);
	loop_want(&loop, key->role.peer_fd[ROLE_DECIDE]);
	for (unsigned i = 0; i < MSG_DISKS; i++) {
		loop_want(&loop, key->disk[i].pin_fd);
		if (key->disk[i].handed_out)
			loop_want(&loop, key->disk[i].oneshot_fd);
		if (key->disk[i].until_boot_ms != 0)
			loop_wake_at(&loop, key->disk[i].until_boot_ms);
	}
	if (loop_wait(&loop) < 0)
		return;
	if (loop_ready(&loop, key->signal_fd))
		leave(key);
	for (unsigned i = 0; i < MSG_DISKS; i++)
		if (key->disk[i].pin_fd >= 0 && loop_ready(&loop, key->disk[i].pin_fd))
			key_disk_pin(key, &key->disk[i]);
	for (unsigned i = 0; i < MSG_DISKS; i++)
		if (key->disk[i].handed_out && loop_ready(&loop, key->disk[i].oneshot_fd))
			key_disk_ready(key, &key->disk[i]);
	if (key->role.peer_fd[ROLE_DECIDE] >= 0 &&
	    loop_ready(&loop, key->role.peer_fd[ROLE_DECIDE]))
		serve_decide(key);
	if (loop_ready(&loop, ROLE_SUP_FD))
		serve_supervisor(key);
	key_disk_expire(key, loop_now_boot_ms());
}

/* What came before SUP_GO and is about a disk: key was started anew while one was served. */
static void take_early_disks(struct key *key)
{
	for (unsigned i = 0; i < key->role.n_resources; i++) {
		struct role_resource *r = &key->role.resource[i];
		struct msg_sup msg = { .what = r->kind, .id = r->id, .layer = r->layer };

		if (r->fd < 0 ||
		    (r->kind != SUP_RES_DISK_HEADER && r->kind != SUP_RES_DISK_ONESHOT))
			continue;
		memcpy(msg.name, r->name, sizeof(msg.name));
		key_disk_resource(key, &msg, take_fd(&r->fd));
	}
}

int main(void)
{
	static struct key key;

	log_open("key");
	role_begin(&key.role, ROLE_KEY);
	key_sandbox_prepare();
	key.signal_fd = loop_signals_open();
	if (key.signal_fd < 0)
		die("wait for signals: %s", strerror(-key.signal_fd));
	open_tpm(&key);
	key_sandbox_enter(&key);
	key_disk_init(&key);
	take_early_disks(&key);
	for (;;)
		wait_once(&key);
}
