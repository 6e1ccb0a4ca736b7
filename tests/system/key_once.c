/* key_once TPM-SOCKET LEASE LUKS <PIN - one unlock by the real bulkhead-key, between a supervisor
 * and a decide that this program plays. Says "ok" or the reason's code, a blank, and the detail.
 * Exit status: that of the reason. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sodium.h>

#include "base/ipc.h"
#include "base/msg.h"
#include "base/reason.h"
#include "policy/lease.h"
#include "vhdcrypt/kdf.h"

enum { UID_BASE = 64300, WAIT_MS = 60000, OWN_FAILURE = 99 };

static _Noreturn void fail(const char *what)
{
	fprintf(stderr, "key_once: %s: %s\n", what, strerror(errno));
	exit(OWN_FAILURE);
}

static int connect_tpm(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		fail("connect to the TPM");
	return fd;
}

static void read_lease(const char *path, struct lease *ret)
{
	static char text[DOCUMENT_BYTES_MAX];
	struct document_error error;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));

	if (n < 0 || lease_parse(text, (size_t)n, ret, &error) < 0)
		fail("read the lease");
	(void)close(fd);
}

static pid_t start_key(int sup_fd)
{
	const char *out = getenv("OUT");
	char path[512];
	pid_t pid;

	(void)snprintf(path, sizeof(path), "%s/bulkhead-key", out ? out : "out");
	pid = fork();
	if (pid == 0) {
		int null = open("/dev/null", O_RDWR);

		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (dup2(sup_fd, 63) < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0 ||
		    dup2(63, 3) < 0)
			_exit(127);
		(void)syscall(SYS_close_range, 4, ~0U, 0);
		(void)execle(path, path, (char *)NULL, (char *const[]){ NULL });
		_exit(127);
	}
	return pid;
}

static void sup(int to, uint32_t verb, uint32_t what, const char *name, int fd)
{
	struct msg_sup msg = {
		.verb = verb, .what = what, .id = 1, .config = { .uid_base = UID_BASE }
	};

	(void)snprintf(msg.name, sizeof(msg.name), "%s", name);
	if (ipc_send(to, &msg, sizeof(msg), fd) < 0)
		fail("play the supervisor");
}

static void receive(int fd, void *msg, size_t n, const char *what)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	int r;

	if (poll(&p, 1, WAIT_MS) != 1)
		fail(what);
	r = ipc_recv(fd, msg, n, NULL);
	if (r < 0) {
		errno = -r;
		fail(what);
	}
}

/* What block would get, before decide has an answer: is it the key that the lease names? Then the
 * image is, too. */
static void play_block(int fd, int decide_fd, const struct lease *lease)
{
	struct pollfd p[] = { { .fd = decide_fd, .events = POLLIN },
			      { .fd = fd, .events = POLLIN } };
	struct msg_volume_ready ready = { .reason = REASON_OK };
	struct msg_volume_key key;
	struct secret volume_key = { .bytes = key.layer[0].key,
				     .len_bytes = sizeof(key.layer[0].key) };
	uint8_t fingerprint[KDF_KEY_BYTES];

	if (poll(p, 2, WAIT_MS) < 1)
		fail("wait for the key");
	if (p[0].revents || ipc_recv(fd, &key, sizeof(key), NULL) < 0)
		return; /* refused */
	kdf_fingerprint(&volume_key, key.layer[0].disk_uuid, fingerprint);
	errno = EBADMSG;
	if (memcmp(fingerprint, lease->key.fingerprint, sizeof(fingerprint)) != 0)
		fail("the key handed out is another one");
	if (ipc_send(fd, &ready, sizeof(ready), -1) < 0)
		fail("say that it is served");
}

int main(int argc, char **argv)
{
	struct msg_key_order order = { .verb = KEY_UNLOCK, .id = 1 };
	struct msg_key_reply reply;
	struct lease lease = { 0 };
	int to_sup[2], to_decide[2], oneshot[2], pin[2], header, status;
	char buffer[256];
	ssize_t n;
	pid_t pid;

	if (argc != 4 || sodium_init() < 0)
		fail("usage: key_once TPM-SOCKET LEASE LUKS <PIN");
	read_lease(argv[2], &lease);
	header = open(argv[3], O_RDONLY | O_CLOEXEC);
	n = read(STDIN_FILENO, buffer, sizeof(buffer));
	if (header < 0 || n < 0 || ipc_pair(to_sup) < 0 || ipc_pair(to_decide) < 0 ||
	    ipc_pair(oneshot) < 0 || pipe(pin) < 0 || write(pin[1], buffer, (size_t)n) != n)
		fail("prepare");
	(void)close(pin[1]);
	pid = start_key(to_sup[1]);
	sup(to_sup[0], SUP_START, 0, "", -1);
	sup(to_sup[0], SUP_PEER, ROLE_DECIDE, "", to_decide[1]);
	sup(to_sup[0], SUP_RESOURCE, SUP_RES_TPM, "", connect_tpm(argv[1]));
	sup(to_sup[0], SUP_GO, 0, "", -1);
	sup(to_sup[0], SUP_RESOURCE, SUP_RES_DISK_HEADER, "disk", header);
	sup(to_sup[0], SUP_RESOURCE, SUP_RES_DISK_ONESHOT, "disk", oneshot[1]);
	(void)close(oneshot[1]);
	memcpy(order.disk, "disk", sizeof("disk"));
	order.lease = lease.key;
	if (ipc_send(to_decide[0], &order, sizeof(order), pin[0]) < 0)
		fail("order");
	play_block(oneshot[0], to_decide[0], &lease);
	receive(to_decide[0], &reply, sizeof(reply), "wait for the answer");
	(void)close(to_sup[0]);
	(void)close(to_sup[1]);
	if (waitpid(pid, &status, 0) != pid || status != 0)
		fail("key did not end in order");
	printf("%s %s\n", reason_code(reply.reason), reply.detail);
	return reason_exit_status(reply.reason);
}
