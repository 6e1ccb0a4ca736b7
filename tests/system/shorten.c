/* shorten FOLDER COMMAND... - run a command that gets half of what it asks for each time it reads or writes
 * a file below FOLDER: legal, and what a signal or a full disk does. Its exit status; on standard error, at
 * the end, "shorten: N transfers cut". A transfer past the page cache (O_DIRECT) stays whole pages.
 *
 * A filter stops the command at those system calls alone; their third argument is then another one.
 * Nothing of its memory is written. x86-64 only. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/util.h"

enum { PAGE = 4096, FAILED = 2 };

static void die(const char *what)
{
	fprintf(stderr, "shorten: %s: %s\n", what, strerror(errno));
	exit(FAILED);
}

/* In the child: stop at these calls, and wait until somebody watches. */
static void run(char **command)
{
	struct sock_filter calls[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_read, 4, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_write, 3, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pread64, 2, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pwrite64, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRACE),
	};
	const struct sock_fprog filter = { .len = ARRAY_LEN(calls), .filter = calls };

	if (ptrace(PTRACE_TRACEME, 0, 0, 0) < 0 || raise(SIGSTOP) != 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &filter) < 0)
		die("watch");
	execvp(command[0], command);
	die(command[0]);
}

/* Does FD of the stopped process lie below the folder? */
static bool is_below(pid_t pid, int fd, const char *folder)
{
	char link[64], path[PATH_MAX];
	size_t folder_bytes = strlen(folder);
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/%d/fd/%d", pid, fd);
	n = readlink(link, path, sizeof(path));
	return n > (ssize_t)folder_bytes && strncmp(path, folder, folder_bytes) == 0 &&
	       path[folder_bytes] == '/';
}

static bool is_direct(pid_t pid, int fd)
{
	char path[64], line[128];
	unsigned flags = 0;
	FILE *info;

	(void)snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	info = fopen(path, "re");
	while (info && fgets(line, sizeof(line), info) && sscanf(line, "flags: %o", &flags) != 1)
		;
	if (info)
		(void)fclose(info);
	return flags & O_DIRECT;
}

/* The process stands before a transfer: 1 when it gets less of it now. */
static unsigned cut(pid_t pid, const char *folder)
{
	struct user_regs_struct regs;
	unsigned long long less;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
		return 0; /* it was killed meanwhile */
	if (!is_below(pid, (int)regs.rdi, folder))
		return 0;
	less = regs.rdx / 2;
	if (is_direct(pid, (int)regs.rdi))
		less -= less % PAGE;
	if (less == 0)
		return 0;
	regs.rdx = less;
	return ptrace(PTRACE_SETREGS, pid, 0, &regs) < 0 ? 0 : 1;
}

/* Until the command itself ends: its exit status. */
static int watch(pid_t command, const char *folder)
{
	unsigned n_cut = 0;
	int status;

	for (;;) {
		pid_t pid = waitpid(-1, &status, __WALL);
		int number = 0;

		if (pid < 0)
			die("wait");
		if (pid == command && !WIFSTOPPED(status))
			break;
		if (!WIFSTOPPED(status))
			continue;
		if (status >> 8 == (SIGTRAP | PTRACE_EVENT_SECCOMP << 8))
			n_cut += cut(pid, folder);
		else if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP)
			number = WSTOPSIG(status); /* a signal of its own */
		(void)ptrace(PTRACE_CONT, pid, 0, number);
	}
	fprintf(stderr, "shorten: %u transfers cut\n", n_cut);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int main(int argc, char **argv)
{
	char folder[PATH_MAX];
	int status;
	pid_t pid;

	if (argc < 3) {
		fprintf(stderr, "usage: shorten FOLDER COMMAND...\n");
		return FAILED;
	}
	if (!realpath(argv[1], folder))
		die(argv[1]);
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run(argv + 2);
	if (waitpid(pid, &status, 0) != pid || !WIFSTOPPED(status) ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0,
		   PTRACE_O_TRACESECCOMP | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK |
			   PTRACE_O_TRACECLONE | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL) < 0 ||
	    ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		die("watch");
	return watch(pid, folder);
}
