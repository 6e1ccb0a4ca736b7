/* What key gives up, and what its libraries must have opened before. */
#include "roles/key.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <linux/capability.h>
#include <linux/landlock.h>
#include <seccomp.h>
#include <sodium.h>

#include "base/log.h"
#include "base/sandbox.h"
#include "vhdcrypt/header.h"

enum {
	/* 0-3, decide, TPM, signals; /dev/urandom and /dev/random of libcryptsetup */
	FDS_MAX = 9,
	FILE_BYTES_MAX = 1024 * 1024, /* the memory file of one header */
};

static const int allowed[] = {
	SANDBOX_COMMON,
	/* libcryptsetup takes the header as a path of /proc/self/fd */
	SCMP_SYS(openat),
	SCMP_SYS(newfstatat),
	SCMP_SYS(fstat),
	SCMP_SYS(statx),
	SCMP_SYS(lseek),
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(fcntl),
	SCMP_SYS(fsync), /* after it has made one */
	SCMP_SYS(memfd_create),
	SCMP_SYS(ftruncate),
	SCMP_SYS(readlink),
	SCMP_SYS(fstatfs),
	SCMP_SYS(sched_getaffinity),
	SCMP_SYS(sysinfo),
	/* guarded, locked memory of libsodium */
	SCMP_SYS(mprotect),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	-1,
};

/* libcryptsetup needs openat(2); this leaves it nothing to open but memory files, which belong to
 * no file system that Landlock rules over. Where the kernel has no Landlock, the uid, which owns
 * nothing, has to do. */
static void close_file_system(void)
{
	const struct landlock_ruleset_attr attr = {
		.handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1, /* all of ABI 1 */
	};
	struct landlock_path_beneath_attr own = { .allowed_access = LANDLOCK_ACCESS_FS_READ_DIR };
	int fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);

	if (fd < 0) {
		log_warn(-errno, "no Landlock: paths are closed by the uid alone");
		return;
	}
	/* sandbox_enter() counts what is open */
	own.parent_fd = open("/proc/self/fd", O_PATH | O_CLOEXEC);
	if (own.parent_fd < 0 ||
	    syscall(SYS_landlock_add_rule, fd, LANDLOCK_RULE_PATH_BENEATH, &own, 0) < 0)
		die("sandbox: name own descriptors: %m");
	(void)close(own.parent_fd);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    syscall(SYS_landlock_restrict_self, fd, 0) < 0)
		die("sandbox: restrict paths: %m");
	(void)close(fd);
}

void key_sandbox_prepare(void)
{
	/* the TSS prints what it dislikes, with values, unless told not to */
	if (setenv("TSS2_LOG", "all+none", 1) < 0)
		die("silence the TSS: %m");
	if (sodium_init() < 0)
		die("start libsodium");
	secret_lock_process();
	if (header_library_init() < 0)
		die("start libcryptsetup: a header of our own making does not open");
}

void key_sandbox_enter(const struct key *key)
{
	/* All memory is locked, that of Argon2 too; an ordinary limit is 8 MiB, and where root
	 * may not raise it (containers), this capability is what is left. It permits nothing
	 * else. */
	const struct sandbox sandbox = { .uid = role_uid(&key->role),
					 .caps = UINT64_C(1) << CAP_IPC_LOCK,
					 .syscalls = allowed,
					 .n_fds_max = FDS_MAX,
					 .file_bytes_max = FILE_BYTES_MAX };

	close_file_system();
	sandbox_enter(&sandbox);
}
