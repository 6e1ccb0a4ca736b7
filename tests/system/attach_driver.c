/* attach_driver - be the supervisor and decide for one bulkhead-attach, give it one order, and say
 * what it answered, as "error NAME" or "index N"; "ended STATUS" when it ended instead.
 *
 *	attach_driver BINARY connect DISK-BYTES PATH|tcp|silent	 PATH: a server's unix socket
 *	attach_driver BINARY disconnect INDEX
 *	attach_driver BINARY bare	a CONNECT without its descriptor
 *	attach_driver BINARY short	a message of another length
 *	attach_driver BINARY wild PATH	flags that no export has
 *	attach_driver BINARY endless PATH	a name without an end */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/ipc.h"
#include "base/msg.h"
#include "roles/role.h"

enum { UID_BASE = 64900 };

static int fail(const char *what)
{
	fprintf(stderr, "attach_driver: %s: %s\n", what, strerror(errno));
	return 2;
}

static pid_t start(const char *binary, int sup_fd)
{
	pid_t pid = fork();

	if (pid != 0)
		return pid;
	int null = open("/dev/null", O_RDWR);

	(void)dup2(null, STDIN_FILENO);
	(void)dup2(null, STDOUT_FILENO);
	(void)dup2(sup_fd, ROLE_SUP_FD);
	(void)close_range(ROLE_SUP_FD + 1, ~0U, 0);
	(void)execl(binary, binary, (char *)NULL);
	_exit(127);
}

static int introduce(int sup_fd, int decide_fd)
{
	struct msg_sup msg = { .verb = SUP_START, .config = { .uid_base = UID_BASE } };
	int r = ipc_send(sup_fd, &msg, sizeof(msg), -1);

	msg = (struct msg_sup){ .verb = SUP_PEER, .what = ROLE_DECIDE };
	if (r == 0)
		r = ipc_send(sup_fd, &msg, sizeof(msg), decide_fd);
	msg = (struct msg_sup){ .verb = SUP_GO };
	if (r == 0)
		r = ipc_send(sup_fd, &msg, sizeof(msg), -1);
	return r;
}

static int open_server(const char *path)
{
	struct sockaddr_un to = { .sun_family = AF_UNIX };
	int pair[2], fd;

	if (!strcmp(path, "tcp"))
		return socket(AF_INET, SOCK_STREAM, 0);
	if (!strcmp(path, "silent")) /* its other end stays open as long as we live */
		return socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 ? -1 : pair[0];
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	if (fd < 0)
		return -1;
	(void)snprintf(to.sun_path, sizeof(to.sun_path), "%s", path);
	return connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0 ? -1 : fd;
}

/* 0, or the exit status after saying why. */
static int order(int decide, int argc, char **argv)
{
	struct msg_attach msg = { .verb = ATTACH_CONNECT, .nbd_index = UINT32_MAX, .disk = "test" };
	size_t bytes = sizeof(msg);
	int fd = -1;

	if (argc == 5 && !strcmp(argv[2], "connect")) {
		msg.disk_bytes = strtoull(argv[3], NULL, 10);
		fd = open_server(argv[4]);
		if (fd < 0)
			return fail(argv[4]);
	} else if (argc == 4 && !strcmp(argv[2], "disconnect")) {
		msg.verb = ATTACH_DISCONNECT;
		msg.nbd_index = (uint32_t)strtoul(argv[3], NULL, 10);
	} else if (argc == 4 && (!strcmp(argv[2], "wild") || !strcmp(argv[2], "endless"))) {
		if (argv[2][0] == 'w')
			msg.flags = UINT16_MAX + 1;
		else
			memset(msg.disk, 'a', sizeof(msg.disk));
		fd = open_server(argv[3]);
		if (fd < 0)
			return fail(argv[3]);
	} else if (argc == 3 && !strcmp(argv[2], "short")) {
		bytes--;
	} else if (argc != 3 || strcmp(argv[2], "bare") != 0) {
		fprintf(stderr, "usage: see the head of attach_driver.c\n");
		return 2;
	}
	errno = -ipc_send(decide, &msg, bytes, fd);
	return errno ? fail("give the order") : 0;
}

int main(int argc, char **argv)
{
	struct msg_attach_reply reply;
	int sup[2], decide[2], status, r;
	pid_t pid;

	if (argc < 3 || ipc_pair(sup) < 0 || ipc_pair(decide) < 0)
		return fail("start");
	pid = start(argv[1], sup[1]);
	(void)close(sup[1]);
	r = introduce(sup[0], decide[1]);
	(void)close(decide[1]);
	if (r < 0 || pid < 0)
		return fail("introduce");
	r = order(decide[0], argc, argv);
	if (r != 0)
		return r;
	r = ipc_recv(decide[0], &reply, sizeof(reply), NULL);
	if (r == 0 && reply.error == 0)
		printf("index %u\n", (unsigned)reply.nbd_index);
	else if (r == 0)
		printf("error %s\n", strerrorname_np(-reply.error));
	(void)close(sup[0]);
	if (waitpid(pid, &status, 0) == pid && r < 0)
		printf("ended %d\n", WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status));
	return 0;
}
