/* decide_blocked.h - samples of blocked packets, kept by who and what, until they are told as a sum.
 *
 * One line of the audit log says what a port tried since the line before. The first comes soon, the next
 * a minute later at the earliest; while it goes on, each takes twice as long as the one before it, up to
 * an hour: whoever knocks all day writes two dozen lines. Samples are few of many packets, so a count
 * means "at least".
 *
 * Pure: values in, values out. Times are CLOCK_BOOTTIME in milliseconds. */
#ifndef ROLES_DECIDE_BLOCKED_H
#define ROLES_DECIDE_BLOCKED_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

enum {
	BLOCKED_ENTRIES = 32,
	BLOCKED_FIRST_MS = 5000, /* one try is seldom alone */
	BLOCKED_GAP_MS = 60000,	 /* between two lines about the same */
	BLOCKED_GAP_MAX_MS = 3600000,
	BLOCKED_SLOTS = 6, /* of ten seconds: the last minute */
	BLOCKED_SLOT_MS = 10000,
};

struct decide_blocked_entry {
	char name
		[MSG_IFNAME_BYTES]; /* of the port or uplink; "": free, but for the entry of the lost */
	uint32_t what;		    /* enum blocked_what */
	struct msg_blocked last;
	uint64_t first_boot_ms; /* of those that wait to be told */
	uint64_t last_boot_ms;
	uint32_t n;	       /* that wait */
	uint64_t due_boot_ms;  /* of their line */
	uint64_t told_boot_ms; /* of the last line; 0: none yet */
	uint64_t gap_ms;       /* from that line to the next */
	uint32_t slot[BLOCKED_SLOTS];
	uint64_t slot_at; /* the number of the newest one, counted from the boot */
};

struct decide_blocked {
	struct decide_blocked_entry lost; /* samples that never came, or found no room here */
	struct decide_blocked_entry entry[BLOCKED_ENTRIES];
};

/* What one line says. */
struct decide_blocked_sum {
	char name[MSG_IFNAME_BYTES]; /* "": samples were lost, and nothing else is said */
	uint32_t what;
	uint32_t n;
	uint64_t span_ms; /* from the first to the line */
	struct msg_blocked last;
};

/* A sample about the link `name`; .what is a packet's, .n_lost is counted with it. */
void decide_blocked_take(struct decide_blocked *b, const char *name,
			 const struct msg_blocked *sample, uint64_t now_boot_ms);

/* So many samples were lost. */
void decide_blocked_lost(struct decide_blocked *b, uint32_t n, uint64_t now_boot_ms);

/* Is a line due? Then it is told herewith. */
bool decide_blocked_next(struct decide_blocked *b, uint64_t now_boot_ms,
			 struct decide_blocked_sum *ret);

/* When the next line is due; UINT64_MAX: none waits. */
uint64_t decide_blocked_wake(const struct decide_blocked *b);

/* The newest sample of a link, when it came, and the samples of its last minute; false: none. */
bool decide_blocked_find(const struct decide_blocked *b, const char *name, uint64_t now_boot_ms,
			 struct msg_blocked *ret, uint64_t *ret_boot_ms, uint32_t *ret_n);

#endif
