/* secret.h - memory for keys: locked or not given, kept out of core dumps and children, wiped.
 *
 * There is no printer and no copy-out. libsodium ignores a failing mlock(2); this does not. */
#ifndef BASE_SECRET_H
#define BASE_SECRET_H

#include <stddef.h>
#include <stdint.h>

struct secret {
	uint8_t *bytes; /* guarded pages; NULL: empty */
	size_t len_bytes;
};

/* Locked, zeroed memory of len_bytes. -ENOMEM when it cannot be allocated *or locked*. */
int secret_new(struct secret *ret, size_t len_bytes);

/* Wipe and release; accepts an empty one, leaves an empty one. */
void secret_free(struct secret *secret);

/* The process keeps no core, cannot be traced by its own uid, and everything it maps from now on
 * is locked - the last only if RLIMIT_MEMLOCK is unlimited, else with a warning: what secret_new()
 * gives is locked by itself in any case. Returns or ends the process. */
void secret_lock_process(void);

#define OWNS_SECRET __attribute__((cleanup(secret_free)))

#endif
