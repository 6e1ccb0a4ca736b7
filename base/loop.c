#include "base/loop.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/signalfd.h>
#include <time.h>

void loop_reset(struct loop *loop)
{
	loop->n = 0;
	loop->deadline_boot_ms = 0;
}

void loop_want(struct loop *loop, int fd)
{
	if (fd < 0)
		return;
	if (loop->n == LOOP_MAX)
		abort();
	loop->slot[loop->n++] = (struct pollfd){ .fd = fd, .events = POLLIN };
}

void loop_want_output(struct loop *loop, int fd)
{
	unsigned before = loop->n;

	loop_want(loop, fd);
	if (loop->n > before)
		loop->slot[before].events = POLLOUT;
}

void loop_want_end(struct loop *loop, int fd)
{
	unsigned before = loop->n;

	loop_want(loop, fd);
	if (loop->n > before)
		loop->slot[before].events = 0; /* POLLHUP and POLLERR are told in any case */
}

void loop_wake_at(struct loop *loop, uint64_t boot_ms)
{
	if (boot_ms == 0)
		boot_ms = 1; /* 0 says "none" */
	if (loop->deadline_boot_ms == 0 || boot_ms < loop->deadline_boot_ms)
		loop->deadline_boot_ms = boot_ms;
}

int loop_wait(struct loop *loop)
{
	struct timespec left, *timeout = NULL;

	if (loop->deadline_boot_ms != 0) {
		uint64_t now = loop_now_boot_ms();
		uint64_t ms = loop->deadline_boot_ms > now ? loop->deadline_boot_ms - now : 0;

		left.tv_sec = (time_t)(ms / 1000);
		left.tv_nsec = (long)(ms % 1000) * 1000000;
		timeout = &left;
	}
	for (unsigned i = 0; i < loop->n; i++)
		loop->slot[i].revents = 0;
	return ppoll(loop->slot, loop->n, timeout, NULL) < 0 ? -errno : 0;
}

bool loop_ready(const struct loop *loop, int fd)
{
	for (unsigned i = 0; fd >= 0 && i < loop->n; i++)
		if (loop->slot[i].fd == fd)
			return loop->slot[i].revents != 0;
	return false;
}

int loop_signals_open(void)
{
	sigset_t set;
	int fd;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, NULL) < 0)
		return -errno;
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return fd < 0 ? -errno : fd;
}

uint64_t loop_now_boot_ms(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_BOOTTIME, &t); /* Linux 2.6.39 */
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

uint64_t loop_now_wall_s(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return t.tv_sec < 0 ? 0 : (uint64_t)t.tv_sec;
}
