/* The namespace of the uplinks: made, held, closed, and filled, before any child. */
#include "roles/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"
#include "roles/role.h"

#define NETNS_PATH "/run/netns/bulkhead"

/* Read by bulkhead-netns. Not in the runtime folder, which ends with the daemon's unit. */
#define SENTINEL_PID_PATH "/run/bulkhead-sentinel.pid"

static int run_netns(const struct supervisor *s, const char *verb, const char *name)
{
	char script[MSG_PATH_BYTES];

	supervisor_path(script, s->libexec, "bulkhead-netns");
	return supervisor_run((const char *const[]){ script, verb, name, NULL }, NULL, 0);
}

/* One that cannot move stays down, where it is; the others are served. A tunnel stays where it was
 * made: that is where its own packets leave from. */
void supervisor_claim_uplinks(const struct supervisor *s)
{
	for (uint32_t i = 0; i < s->config.n_uplinks; i++) {
		const char *ifname = s->config.uplink[i].ifname;

		if (s->config.uplink[i].kind == UPLINK_TUNNEL)
			continue;
		if (if_nametoindex(ifname) != 0 && run_netns(s, "uplink", ifname) != 0)
			log_err(0,
				"uplink '%s' does not move into the namespace: it stays down, "
				"unused",
				ifname);
	}
}

void supervisor_enter_namespace(const struct supervisor *s, bool inside)
{
	if (setns(inside ? s->ns_fd : s->host_ns_fd, CLONE_NEWNET) < 0)
		die("enter network namespace '%s': %m", inside ? NETNS_PATH : "of the host");
}

/* A number of system calls, and no rule: what is done here, nobody else has to live for. */
void supervisor_close_uplinks(const struct supervisor *s)
{
	OWNS_FD int fd = -1;

	supervisor_enter_namespace(s, true);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	supervisor_enter_namespace(s, false);
	for (uint32_t i = 0; i < s->config.n_uplinks; i++) {
		struct ifreq link = { 0 };

		memcpy(link.ifr_name, s->config.uplink[i].ifname, sizeof(link.ifr_name) - 1);
		if (fd < 0 || ioctl(fd, SIOCGIFFLAGS, &link) < 0)
			continue; /* it is not there */
		link.ifr_flags = (short)(link.ifr_flags & ~IFF_UP);
		if (ioctl(fd, SIOCSIFFLAGS, &link) < 0)
			log_err(-errno, "take uplink '%s' down", s->config.uplink[i].ifname);
	}
}

static bool same_namespace(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* The pid of the process that holds our namespace, or 0. It is who has a lock on this file, which only
 * root can open, and there it says which namespace that is: of a process with another uid /proc tells
 * nothing without CAP_SYS_PTRACE, and our unit has none. */
static pid_t find_sentinel(const struct supervisor *s)
{
	OWNS_FD int fd = open(SENTINEL_PID_PATH, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char text[64] = "";
	uintmax_t dev, ino;
	struct stat ours;
	int pid;

	if (fd < 0 || read(fd, text, sizeof(text) - 1) <= 0 ||
	    sscanf(text, "%d %ju %ju", &pid, &dev, &ino) != 3 || pid <= 1 ||
	    fcntl(fd, F_GETLK, &lock) < 0 || lock.l_type == F_UNLCK || lock.l_pid != pid ||
	    fstat(s->ns_fd, &ours) < 0 || ours.st_dev != dev || ours.st_ino != ino)
		return 0;
	return pid;
}

static void write_pid(const struct supervisor *s)
{
	OWNS_FD int fd = open(SENTINEL_PID_PATH,
			      O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	struct stat ns;

	if (fd < 0 || fchmod(fd, 0600) < 0 || fstat(s->ns_fd, &ns) < 0 ||
	    dprintf(fd, "%d\n%ju %ju\n", (int)getpid(), (uintmax_t)ns.st_dev,
		    (uintmax_t)ns.st_ino) < 0)
		die("sentinel: write '" SENTINEL_PID_PATH "': %m");
}

/* As standard input, the only descriptor of that file: a lock stays over exec, and goes with the process
 * or with any descriptor of its file that is closed. */
static void lock_pid(void)
{
	const struct flock lock = { .l_type = F_RDLCK, .l_whence = SEEK_SET };

	(void)close(STDIN_FILENO);
	if (open(SENTINEL_PID_PATH, O_RDONLY | O_NOFOLLOW) != STDIN_FILENO ||
	    fcntl(STDIN_FILENO, F_SETLK, &lock) < 0)
		die("sentinel: lock '" SENTINEL_PID_PATH "': %m");
}

/* Nobody's child, so that it is no news to anybody when we end. */
static _Noreturn void exec_sentinel(const struct supervisor *s, int said_fd)
{
	char path[MSG_PATH_BYTES], uid[12];
	char *argv[] = { path, uid, NULL };
	char *envp[] = { NULL };
	sigset_t none;
	pid_t pid = setsid() < 0 ? -1 : fork();

	if (pid != 0)
		_exit(pid < 0);
	sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	supervisor_path(path, s->libexec, "bulkhead-sentinel");
	(void)snprintf(uid, sizeof(uid), "%u", role_uid_of(&s->config, ROLE_SENTINEL));
	supervisor_enter_namespace(s, true);
	write_pid(s);
	if (chdir("/") < 0 || dup2(said_fd, STDOUT_FILENO) < 0 ||
	    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0) < 0)
		die("sentinel: hand over descriptors: %m");
	lock_pid();
	(void)execve(path, argv, envp);
	die("run '%s': %m", path);
}

static pid_t start_sentinel(const struct supervisor *s)
{
	int said[2], status;
	char byte;
	ssize_t n;
	pid_t pid;

	if (pipe2(said, O_CLOEXEC) < 0)
		die("sentinel: pipe: %m");
	pid = fork();
	if (pid < 0)
		die("fork: %m");
	if (pid == 0)
		exec_sentinel(s, said[1]);
	(void)close(said[1]);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	do
		n = read(said[0], &byte, 1);
	while (n < 0 && errno == EINTR);
	(void)close(said[0]);
	pid = find_sentinel(s);
	if (n != 1 || pid == 0)
		die("sentinel: it does not start; nothing but its name would hold the namespace");
	return pid;
}

void supervisor_hold_namespace(struct supervisor *s)
{
	pid_t pid = find_sentinel(s);

	if (s->sentinel_pidfd >= 0)
		(void)close(take_fd(&s->sentinel_pidfd));
	if (pid == 0)
		pid = start_sentinel(s);
	s->sentinel_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (s->sentinel_pidfd < 0)
		die("sentinel: watch process %d: %m", (int)pid);
}

/* Rules without a grant, for the uplinks that are there: from here on nobody has to run for the
 * namespace to be closed. */
static void load_closed(const struct supervisor *s)
{
	const char *argv[MSG_UPLINKS + 3] = { NULL, "closed" };
	char binary[MSG_PATH_BYTES];
	int status;

	supervisor_path(binary, s->libexec, "bulkhead-nft");
	argv[0] = binary;
	for (uint32_t i = 0; i < s->config.n_uplinks; i++)
		argv[2 + i] = s->config.uplink[i].ifname;
	supervisor_enter_namespace(s, true);
	status = supervisor_run(argv, NULL, 0);
	supervisor_enter_namespace(s, false);
	if (status != 0)
		die("bulkhead-nft closed ended with status %d: no uplink is taken in", status);
}

void supervisor_prepare_net(struct supervisor *s)
{
	struct stat host, inside;

	s->host_ns_fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (s->host_ns_fd < 0)
		die("open own network namespace: %m");
	if (run_netns(s, "up", NULL) != 0)
		die("bulkhead-netns up does not make namespace '%s'", NETNS_PATH);
	s->ns_fd = open(NETNS_PATH, O_RDONLY | O_CLOEXEC);
	if (s->ns_fd < 0 || fstat(s->ns_fd, &inside) < 0 || fstat(s->host_ns_fd, &host) < 0)
		die("open network namespace '%s': %m", NETNS_PATH);
	if (same_namespace(&host, &inside)) /* our rules replace all others where they are loaded */
		die("network namespace '%s' is the host's own; run 'ip netns del bulkhead'",
		    NETNS_PATH);
	supervisor_hold_namespace(s);
	load_closed(s);
	supervisor_claim_uplinks(s);
}
