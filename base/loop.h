/* loop.h - wait for at most LOOP_MAX descriptors and one deadline. No heap, no callbacks. */
#ifndef BASE_LOOP_H
#define BASE_LOOP_H

#include <poll.h>
#include <stdbool.h>
#include <stdint.h>

enum { LOOP_MAX = 64 };

struct loop {
	struct pollfd slot[LOOP_MAX];
	unsigned n;
	uint64_t deadline_boot_ms; /* 0: none */
};

void loop_reset(struct loop *loop);

/* Wait for input on fd in this round; a negative fd is ignored. Aborts when LOOP_MAX is passed. */
void loop_want(struct loop *loop, int fd);

/* The same, until fd takes output (a connection that is being made). */
void loop_want_output(struct loop *loop, int fd);

/* Only until its other end goes away: input waits until somebody else wakes us. */
void loop_want_end(struct loop *loop, int fd);

/* Wake up no later than this CLOCK_BOOTTIME time; the earliest of several calls counts. */
void loop_wake_at(struct loop *loop, uint64_t boot_ms);

/* Wait. 0 or negative errno (-EINTR when a signal came). */
int loop_wait(struct loop *loop);

/* After loop_wait(): did fd become readable, or its peer go away? */
bool loop_ready(const struct loop *loop, int fd);

/* SIGTERM, SIGINT and SIGHUP become readable on the descriptor returned (owned by the caller), and
 * SIGPIPE is ignored. Negative errno. */
int loop_signals_open(void);

/* CLOCK_BOOTTIME in milliseconds; CLOCK_REALTIME in seconds. */
uint64_t loop_now_boot_ms(void);
uint64_t loop_now_wall_s(void);

#endif
