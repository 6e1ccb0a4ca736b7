/* sandbox.h - give up what a role does not need, for good, before its first untrusted byte.
 *
 * sandbox_enter() returns with exactly the privilege of the profile, or the process is gone. It
 * also refuses to run when it finds more than the profile allows: a uid 0 that comes back, a
 * capability that stayed, a descriptor that nobody named. */
#ifndef BASE_SANDBOX_H
#define BASE_SANDBOX_H

#include <stdint.h>
#include <sys/types.h>

struct sandbox {
	uid_t uid;		 /* and gid; never 0: a role that needs root is no sandboxed role */
	uint64_t caps;		 /* 1 << CAP_*: kept in the effective and permitted set */
	const int *syscalls;	 /* allowed, ended by -1; everything else kills the process */
	unsigned n_fds_max;	 /* open descriptors, standard ones included */
	uint64_t file_bytes_max; /* RLIMIT_FSIZE; no bound where the log is a plain file */
};

void sandbox_enter(const struct sandbox *sandbox);

/* Only the filter, for all threads at once: for a plugin whose host was already given its uid.
 * Any ioctl is answered with ENOTTY, as the host's log expects, and does nothing.
 * Demands no_new_privs, a uid other than 0 and an empty capability set, or ends the process. */
void sandbox_filter_threads(const int *syscalls);

/* What every role's loop needs: begin a list with these. Include <seccomp.h>. */
#define SANDBOX_COMMON                                                                             \
	SCMP_SYS(read), SCMP_SYS(write), SCMP_SYS(close), SCMP_SYS(ppoll), SCMP_SYS(poll),         \
		SCMP_SYS(recvmsg), SCMP_SYS(sendmsg), SCMP_SYS(clock_gettime),                     \
		SCMP_SYS(gettimeofday), SCMP_SYS(exit), SCMP_SYS(exit_group),                      \
		SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall), SCMP_SYS(brk), SCMP_SYS(mmap),  \
		SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(getpid),           \
		SCMP_SYS(getrandom), SCMP_SYS(writev), SCMP_SYS(futex), SCMP_SYS(rt_sigprocmask)

#endif
