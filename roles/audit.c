/* Role audit: the one writer of the audit log. It holds one append-only descriptor; records come
 * from decide as fixed structs, acknowledgements go back when the line is on disk. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <seccomp.h>
#include <sodium.h>

#include "base/ipc.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/reason.h"
#include "base/sandbox.h"
#include "policy/audit.h"
#include "roles/audit_log.h"
#include "roles/role.h"

static const int syscalls[] = {
	SANDBOX_COMMON,
	SCMP_SYS(fdatasync),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(pread64),
	-1,
};

static void acknowledge(int decide_fd, const struct msg_audit_ack *ack)
{
	int r = ipc_send(decide_fd, ack, sizeof(*ack), -1);

	/* decide has gone or does not read: a grant that waits for this stays closed */
	if (r < 0)
		log_warn(r, "acknowledge record %llu", (unsigned long long)ack->seq);
}

/* One record from decide. Returns false when decide broke the contract or is gone. */
static bool serve(struct audit_log *log, int decide_fd)
{
	struct msg_audit record;
	struct msg_audit_ack ack = { 0 };
	int r = ipc_recv(decide_fd, &record, sizeof(record), NULL);

	if (r == -EAGAIN)
		return true;
	if (r < 0) {
		if (r != -EPIPE) /* it ended, as the supervisor says */
			log_warn(r, "receive from decide");
		return false;
	}
	ack.id = record.id;
	ack.error = audit_log_write(log, &record);
	if (ack.error < 0)
		log_err(ack.error, "write the audit log; the machine can only close");
	ack.seq = log->chain.next_seq - 1;
	memcpy(ack.head, log->chain.head, sizeof(ack.head));
	if (record.id != 0)
		acknowledge(decide_fd, &ack);
	return true;
}

static void drop_decide(struct role *role)
{
	(void)close(role->peer_fd[ROLE_DECIDE]);
	role->peer_fd[ROLE_DECIDE] = -1; /* the supervisor sends its successor */
}

static void take_order(struct role *role)
{
	struct msg_sup msg;
	int fd;

	role_recv_sup(role, &msg, &fd);
	if (fd >= 0)
		(void)close(fd);
	if (msg.verb != SUP_PEER)
		log_warn(0, "verb %u from the supervisor is not for audit", (unsigned)msg.verb);
}

static void work(struct role *role, struct audit_log *log)
{
	for (;;) {
		struct loop loop;
		int r;

		loop_reset(&loop);
		loop_want(&loop, ROLE_SUP_FD);
		loop_want(&loop, role->peer_fd[ROLE_DECIDE]);
		r = loop_wait(&loop);
		if (r < 0 && r != -EINTR)
			die("wait: %s", strerror(-r));
		if (r < 0)
			continue;
		if (role->peer_fd[ROLE_DECIDE] >= 0 &&
		    loop_ready(&loop, role->peer_fd[ROLE_DECIDE]) &&
		    !serve(log, role->peer_fd[ROLE_DECIDE]))
			drop_decide(role);
		if (loop_ready(&loop, ROLE_SUP_FD))
			take_order(role);
	}
}

int main(void)
{
	static struct role role;
	static struct audit_log log;
	struct sandbox profile = {
		.syscalls = syscalls,
		.n_fds_max = 8, /* 0-3, the log, decide, and its successor for a moment */
		.file_bytes_max = AUDIT_LOG_BYTES_MAX,
	};
	int fd;

	log_open("audit");
	role_begin(&role, ROLE_AUDIT);
	fd = role_resource_take(&role, SUP_RES_AUDIT_LOG);
	if (sodium_init() < 0)
		die("start libsodium");
	profile.uid = role_uid(&role);
	sandbox_enter(&profile);

	audit_log_open_take(&log, &fd);
	if (log.error < 0)
		log_err(log.error, "resume the audit log; the machine can only close");
	work(&role, &log);
}
