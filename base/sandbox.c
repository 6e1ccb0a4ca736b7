#include "base/sandbox.h"

#include <errno.h>
#include <dirent.h>
#include <link.h>
#include <malloc.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cap-ng.h>
#include <seccomp.h>

#include "base/log.h"

static unsigned count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	unsigned n = 0;

	if (!dir)
		die("sandbox: list own descriptors: %m");
	for (const struct dirent *e = readdir(dir); e; e = readdir(dir))
		n += e->d_name[0] != '.';
	(void)closedir(dir);
	return n - 1; /* the directory itself */
}

static void drop_to(uid_t uid, uint64_t caps)
{
	capng_clear(CAPNG_SELECT_BOTH);
	for (unsigned cap = 0; cap < 64; cap++)
		if (caps >> cap & 1)
			(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE | CAPNG_PERMITTED, cap);
	if (capng_change_id((int)uid, (int)uid, CAPNG_DROP_SUPP_GRP | CAPNG_CLEAR_BOUNDING) != 0)
		die("sandbox: become uid %u: %m", (unsigned)uid);
}

/* Ask the kernel, not ourselves: what did we keep? */
static void demand_no_more_than(uid_t uid, uint64_t caps)
{
	uid_t real, effective, saved;

	if (getresuid(&real, &effective, &saved) < 0 || real != uid || effective != uid ||
	    saved != uid)
		die("sandbox: uid %u was not taken", (unsigned)uid);
	if (setuid(0) == 0)
		die("sandbox: uid 0 is still reachable");
	if (capng_get_caps_process() != 0)
		die("sandbox: read own capabilities: %m");
	for (unsigned cap = 0; cap < 64; cap++)
		if (!(caps >> cap & 1) && (capng_have_capability(CAPNG_EFFECTIVE, cap) ||
					   capng_have_capability(CAPNG_PERMITTED, cap)))
			die("sandbox: capability %u stayed", cap);
}

static void limit(int resource, const char *name, uint64_t value)
{
	struct rlimit l = { .rlim_cur = value, .rlim_max = value };

	if (setrlimit((__rlimit_resource_t)resource, &l) < 0)
		die("sandbox: limit %s to %llu: %m", name, (unsigned long long)value);
}

/* The kernel has one bound for all files of a process, and ends who passes it. A log that is a plain
 * file grows: under a bound made for the role's own file, the role would die for its next word, and
 * each successor for its first. */
static void limit_files(uint64_t max_bytes)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode))
		return;
	limit(RLIMIT_FSIZE, "file size", max_bytes);
}

static void filter(const int *syscalls, bool all_threads)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	int r = ctx ? 0 : -ENOMEM;

	for (; r == 0 && *syscalls != -1; syscalls++)
		r = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, *syscalls, 0);
	if (r == 0 && all_threads)
		r = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	/* nbdkit asks whether its log is a terminal before each line: no */
	if (r == 0 && all_threads)
		r = seccomp_rule_add(ctx, SCMP_ACT_ERRNO(ENOTTY), SCMP_SYS(ioctl), 0);
	if (r == 0)
		r = seccomp_load(ctx);
	if (r < 0) {
		errno = -r;
		die("sandbox: load the system call filter: %m");
	}
	seccomp_release(ctx);
}

/* One object's segments that nobody writes to (nor did the loader: code is position-independent): what is
 * touched again comes back from its file. */
static int forget_segments(struct dl_phdr_info *object, size_t info_bytes, void *unused)
{
	uintptr_t page_bytes = (uintptr_t)sysconf(_SC_PAGESIZE);

	(void)info_bytes;
	(void)unused;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *p = &object->dlpi_phdr[i];
		uintptr_t begin = object->dlpi_addr + p->p_vaddr, end = begin + p->p_memsz;

		if (p->p_type != PT_LOAD || (p->p_flags & PF_W))
			continue;
		begin &= ~(page_bytes - 1);
		end = (end + page_bytes - 1) & ~(page_bytes - 1);
		/* locked, or the kernel's own: it stays, and does no harm */
		(void)madvise((void *)begin, end - begin, MADV_DONTNEED);
	}
	return 0;
}

/* What only the start needed is not kept while we idle: heap that was given back, and the code and
 * tables of libraries, most of which nobody looks at a second time. */
static void forget_start(void)
{
	(void)malloc_trim(0);
	(void)dl_iterate_phdr(forget_segments, NULL);
}

void sandbox_enter(const struct sandbox *sandbox)
{
	unsigned n = count_fds();

	if (sandbox->uid == 0)
		die("sandbox: a role must not run as root; check uid_base");
	if (n > sandbox->n_fds_max)
		die("sandbox: %u descriptors are open, %u are allowed", n, sandbox->n_fds_max);
	limit(RLIMIT_NPROC, "processes", 0);
	limit_files(sandbox->file_bytes_max);
	limit(RLIMIT_CORE, "core size", 0);
	drop_to(sandbox->uid, sandbox->caps);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		die("sandbox: set no_new_privs: %m");
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		die("sandbox: forbid tracing: %m");
	demand_no_more_than(sandbox->uid, sandbox->caps);
	forget_start();
	filter(sandbox->syscalls, false);
}

void sandbox_filter_threads(const int *syscalls)
{
	if (prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		die("sandbox: no_new_privs is not set");
	if (getuid() == 0)
		die("sandbox: a plugin must not run as root");
	demand_no_more_than(getuid(), 0);
	filter(syscalls, true);
}
