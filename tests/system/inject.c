/* inject PID NUMBER - make a running process enter the kernel with system call NUMBER, and say how
 * it ended: "killed by SIGSYS" is what a role's sandbox promises. Exit status 0 for that, else 1.
 *
 * The process is stopped inside a wait; its next instruction is moved back onto the `syscall` that
 * it came from, with another number in rax. Nothing of its memory is written. x86-64 only. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/types.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	SYSCALL_INSTRUCTION_BYTES = 2, /* 0f 05 */
	WAIT_S = 5,		       /* a process that still waits after this was not killed */
};

static void on_alarm(int number)
{
	(void)number;
	(void)!write(STDOUT_FILENO, "not killed\n", 11);
	_exit(1); /* the kernel lets go of the process */
}

static int fail(const char *what)
{
	fprintf(stderr, "inject: %s: %s\n", what, strerror(errno));
	return 2;
}

int main(int argc, char **argv)
{
	struct user_regs_struct regs;
	pid_t pid = argc == 3 ? (pid_t)atoi(argv[1]) : 0;
	int status;

	if (pid <= 0) {
		fprintf(stderr, "usage: inject PID SYSCALL-NUMBER\n");
		return 2;
	}
	if (ptrace(PTRACE_SEIZE, pid, 0, 0) < 0)
		return fail("seize");
	do { /* until it is in a call: elsewhere the bytes before rip are no syscall instruction */
		if (ptrace(PTRACE_INTERRUPT, pid, 0, 0) < 0 ||
		    waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
			return fail("stop");
		if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
			return fail("read registers");
		if ((long long)regs.orig_rax < 0 && ptrace(PTRACE_CONT, pid, 0, 0) < 0)
			return fail("go on");
	} while ((long long)regs.orig_rax < 0);
	regs.rip -= SYSCALL_INSTRUCTION_BYTES;
	regs.rax = strtoull(argv[2], NULL, 10);
	regs.orig_rax = (unsigned long long)-1; /* no restart of the call it was in */
	if (ptrace(PTRACE_SETREGS, pid, 0, &regs) < 0 || ptrace(PTRACE_CONT, pid, 0, 0) < 0)
		return fail("go on");
	(void)signal(SIGALRM, on_alarm);
	(void)alarm(WAIT_S);
	if (waitpid(pid, &status, __WALL) != pid)
		return fail("wait");
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS) {
		puts("killed by SIGSYS");
		return 0;
	}
	printf("not killed: wait status 0x%x\n", (unsigned)status);
	return 1;
}
