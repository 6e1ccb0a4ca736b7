#include "roles/supervisor_confine.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/securebits.h>
#include <linux/seccomp.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/netlink.h>

#include "base/defer.h"
#include "base/log.h"
#include "base/util.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "name the audit architecture of this machine"
#endif

static void mount_or_die(const struct confine *c, const char *type, const char *target,
			 unsigned long flags, const char *options)
{
	if (mount(type, target, type, flags | MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		die("%s: mount %s over '%s': %m", c->word, type, target);
}

/* Every folder of an absolute path, itself included. */
static void make_folders(const struct confine *c, const char *path)
{
	char part[256];
	size_t n = strlen(path);

	if (n >= sizeof(part))
		die("%s: path '%s' is too long", c->word, path);
	for (size_t i = 1; i <= n; i++) {
		if (path[i] != '/' && path[i] != '\0')
			continue;
		memcpy(part, path, i);
		part[i] = '\0';
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			die("%s: make '%s': %m", c->word, part);
	}
}

static void hide(const struct confine *c)
{
	static const char *const hidden[] = { "/run", "/tmp", "/var/lib", "/home", "/root" };
	const char *etc = c->hide_etc ? "/etc" : "/etc/bulkhead";

	for (size_t i = 0; i < ARRAY_LEN(hidden); i++)
		if (access(hidden[i], F_OK) == 0)
			mount_or_die(c, "tmpfs", hidden[i], 0, "size=1m,mode=755");
	if (access(etc, F_OK) == 0)
		mount_or_die(c, "tmpfs", etc, 0, "size=1m,mode=755");
	mount_or_die(c, "proc", "/proc", MS_RDONLY, NULL);
}

static void make_mount_view(const struct confine *c)
{
	struct mount_attr read_only = { .attr_set = MOUNT_ATTR_RDONLY };
	OWNS_FD int shown = -1;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		die("%s: make all mounts private: %m", c->word);
	if (c->shown) {
		shown = open_tree(AT_FDCWD, c->shown, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);
		if (shown < 0)
			die("%s: show '%s': %m", c->word, c->shown);
	}
	if (mount_setattr(AT_FDCWD, "/", AT_RECURSIVE, &read_only, sizeof(read_only)) < 0)
		die("%s: make all mounts read-only: %m", c->word);
	hide(c);
	if (c->folder) {
		make_folders(c, c->folder);
		if (chown(c->folder, c->uid, c->uid) < 0)
			die("%s: give '%s' away: %m", c->word, c->folder);
	}
	if (shown >= 0) {
		make_folders(c, c->shown);
		if (move_mount(shown, "", AT_FDCWD, c->shown, MOVE_MOUNT_F_EMPTY_PATH) < 0)
			die("%s: show '%s': %m", c->word, c->shown);
	}
}

static void write_files(const struct confine *c)
{
	for (size_t i = 0; i < ARRAY_LEN(c->file) && c->file[i].path; i++) {
		const char *path = c->file[i].path, *text = c->file[i].text;
		OWNS_FD int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444);
		size_t n = strlen(text);

		/* (whatever the umask) */
		if (fd < 0 || write(fd, text, n) != (ssize_t)n || fchmod(fd, 0444) < 0)
			die("%s: write '%s': %m", c->word, path);
	}
}

static void drop_bounding_set(const struct confine *c)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		bool keep = false;

		for (size_t i = 0; i < c->n_caps; i++)
			keep |= c->caps[i] == cap;
		if (!keep && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0)
			die("%s: drop capability %d: %m", c->word, cap);
	}
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("%s: set no_new_privs: %m", c->word);
}

static void set_caps(const struct confine *c, const int *caps, size_t n_caps)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { { 0 } };

	for (size_t i = 0; i < n_caps; i++) {
		unsigned word = (unsigned)caps[i] / 32;
		uint32_t bit = UINT32_C(1) << caps[i] % 32;

		data[word].effective |= bit;
		data[word].permitted |= bit;
		data[word].inheritable |= bit;
	}
	if (syscall(SYS_capset, &head, data) < 0)
		die("%s: reduce capabilities: %m", c->word);
}

/* A uid of its own, with the capabilities that were meant for it: exec would take them from any
 * uid but root's if they were not ambient. */
static void become(const struct confine *c)
{
	if (c->uid == 0)
		return;
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) < 0 || setgroups(0, NULL) < 0 ||
	    setresgid(c->uid, c->uid, c->uid) < 0 || setresuid(c->uid, c->uid, c->uid) < 0)
		die("%s: become uid %u: %m", c->word, c->uid);
	set_caps(c, c->caps, c->n_caps);
	for (size_t i = 0; i < c->n_caps; i++)
		if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, c->caps[i], 0, 0) < 0)
			die("%s: hand on capability %d: %m", c->word, c->caps[i]);
}

/* For those who only wait: uid 0, but without a single capability. */
static void drop_all_caps(const struct confine *c)
{
	set_caps(c, NULL, 0);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("%s: set no_new_privs: %m", c->word);
}

#define LOAD(field)	      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, field))
#define EQUAL(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (value), (yes), (no))
#define ANSWER(action)	      BPF_STMT(BPF_RET | BPF_K, (action))

/* The low half of an argument is what the kernel takes for an int. */
static void set_filter(const struct confine *c)
{
	struct sock_filter code[] = {
		LOAD(arch),
		EQUAL(NATIVE, 1, 0),
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		LOAD(nr),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 0x40000000, 0, 1), /* x32 */
		ANSWER(SECCOMP_RET_KILL_PROCESS),
		EQUAL(SYS_io_uring_setup, 0, 1), /* it makes sockets without socket(2) */
		ANSWER(SECCOMP_RET_ERRNO | ENOSYS),
		EQUAL(SYS_socket, 1, 0),
		ANSWER(SECCOMP_RET_ALLOW),
		LOAD(args[0]),
		EQUAL(AF_XDP, 3, 0),
		EQUAL(AF_NETLINK, 0, 3),
		LOAD(args[2]),
		EQUAL(NETLINK_NETFILTER, 0, 1),
		ANSWER(SECCOMP_RET_ERRNO | EACCES),
		ANSWER(SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog program = { .len = ARRAY_LEN(code), .filter = code };

	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program, 0, 0) < 0)
		die("%s: load the system call filter: %m", c->word);
}

/* Signals that wait until the one who waits for children looks. */
static void block_signals(const struct confine *c, int how)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	if (sigprocmask(how, &set, NULL) < 0)
		die("%s: signals: %m", c->word);
}

static _Noreturn void run(const struct confine *c)
{
	char *envp[] = { NULL };

	block_signals(c, SIG_UNBLOCK);
	drop_bounding_set(c);
	become(c);
	set_filter(c);
	(void)execve(c->argv[0], c->argv, envp);
	die("%s: run '%s': %m", c->word, c->argv[0]);
}

/* Wait for this child, and for whoever was left to us; end as it ended. */
static _Noreturn void end_with(const struct confine *c, pid_t child)
{
	for (;;) {
		int status;
		pid_t pid = wait(&status);

		if (pid < 0 && errno != EINTR)
			die("%s: wait: %m", c->word);
		if (pid == child)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
	}
}

/* The same, outside: told to end, it does when all inside are gone, so that what they held (a bound
 * port) is free for a successor. */
static _Noreturn void end_after(const struct confine *c, pid_t first)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGCHLD);
	for (;;) {
		int status;
		pid_t pid = waitpid(first, &status, WNOHANG);

		if (pid < 0)
			die("%s: wait: %m", c->word);
		if (pid == first)
			_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 1);
		if (sigwaitinfo(&set, NULL) == SIGTERM)
			(void)kill(first, SIGKILL);
	}
}

static pid_t fork_tied(const struct confine *c)
{
	pid_t pid = fork();

	if (pid < 0)
		die("%s: fork: %m", c->word);
	if (pid == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		die("%s: tie a child to its parent: %m", c->word);
	return pid;
}

_Noreturn void supervisor_confine_exec(const struct confine *c)
{
	mode_t mask;
	pid_t pid;

	if (close_range(STDERR_FILENO + 1, ~0U, 0) < 0)
		die("%s: close descriptors: %m", c->word);
	if (unshare(CLONE_NEWNS | CLONE_NEWPID) < 0)
		die("%s: make namespaces: %m", c->word);
	block_signals(c, SIG_BLOCK);
	pid = fork_tied(c);
	if (pid > 0) {
		drop_all_caps(c);
		end_after(c, pid);
	}
	/* the first process of the pid namespace: when it goes, the kernel ends the others */
	mask = umask(022); /* a program of another uid finds its way to its folder */
	make_mount_view(c);
	write_files(c);
	(void)umask(mask);
	pid = fork_tied(c);
	if (pid == 0)
		run(c);
	drop_all_caps(c);
	end_with(c, pid);
}
