#include "base/secret.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <sodium.h>

#include "base/log.h"

int secret_new(struct secret *ret, size_t len_bytes)
{
	uint8_t *p = sodium_malloc(len_bytes);

	if (!p)
		return -ENOMEM;
	/* sodium_malloc() ignores a failing mlock(2): ask once more and believe the answer */
	if (mlock(p, len_bytes) != 0) {
		sodium_free(p);
		return -ENOMEM;
	}
	sodium_memzero(p, len_bytes);
	*ret = (struct secret){ .bytes = p, .len_bytes = len_bytes };
	return 0;
}

void secret_free(struct secret *secret)
{
	if (secret->bytes)
		sodium_free(secret->bytes); /* wipes, too */
	*secret = (struct secret){ 0 };
}

void secret_lock_process(void)
{
	static const struct rlimit no_core = { 0, 0 };
	struct rlimit memory;

	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		die("secret: forbid core dumps: %m");
	if (setrlimit(RLIMIT_CORE, &no_core) < 0)
		die("secret: set the core limit to 0: %m");
	if (getrlimit(RLIMIT_MEMLOCK, &memory) < 0)
		die("secret: read the limit of locked memory: %m");
	/* under a limit, MCL_FUTURE would make later allocations fail at random places */
	if (memory.rlim_cur != RLIM_INFINITY) {
		log_warn(0,
			 "locked memory is limited to %llu bytes: keys are locked, the rest is not",
			 (unsigned long long)memory.rlim_cur);
		return;
	}
	if (mlockall(MCL_CURRENT | MCL_FUTURE) < 0)
		die("secret: lock memory: %m");
}
