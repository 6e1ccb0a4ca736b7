/* block_syscalls.h - what role `block` may ask of the kernel: nbdkit's loop, our I/O, no paths.
 *
 * In a header of its own so that the test which proves the list links the very same one. */
#ifndef VHDCRYPT_BLOCK_SYSCALLS_H
#define VHDCRYPT_BLOCK_SYSCALLS_H

#include <seccomp.h>

#include "base/sandbox.h"

static const int BLOCK_SYSCALLS[] = {
	SANDBOX_COMMON,
	/* the image: vhdcrypt/store.c */
	SCMP_SYS(pread64),
	SCMP_SYS(pwrite64),
	SCMP_SYS(fdatasync),
	SCMP_SYS(fallocate),
	SCMP_SYS(ftruncate),
	SCMP_SYS(fstat),
	SCMP_SYS(newfstatat),
	/* locked memory of sodium_malloc() and libgcrypt, and thread stacks */
	SCMP_SYS(mprotect),
	SCMP_SYS(mlock),
	SCMP_SYS(munlock),
	/* nbdkit: connections and their threads */
	SCMP_SYS(accept4),
	SCMP_SYS(sendto),
	SCMP_SYS(shutdown),
	SCMP_SYS(setsockopt),
	SCMP_SYS(getsockopt),
	SCMP_SYS(pipe2),
	SCMP_SYS(clone3),
	SCMP_SYS(set_robust_list),
	SCMP_SYS(rseq),
	-1,
};

#endif
