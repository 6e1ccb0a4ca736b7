/* defer.h - scope-bound release of the three things C code leaks: heap, fds, FILEs.
 *
 * Each macro marks a local as the OWNER. take_*() hands ownership out and leaves
 * the local empty, so the release on scope exit becomes a no-op. */
#ifndef BASE_DEFER_H
#define BASE_DEFER_H

#include <stdlib.h>
#include <unistd.h>

#define OWNS_HEAP __attribute__((cleanup(defer_free)))
#define OWNS_FD	  __attribute__((cleanup(defer_close)))

static inline void defer_free(void *slot)
{
	free(*(void **)slot);
}

static inline void defer_close(const int *fd)
{
	if (*fd >= 0)
		(void)close(*fd);
}

static inline int take_fd(int *fd)
{
	int out = *fd;

	*fd = -1;
	return out;
}

#endif
