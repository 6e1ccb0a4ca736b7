/* patience.h - how long an answer may take, which adapts to the machine.
 *
 * Pure: values in, values out. What is done when the time is over costs people their network, so a
 * machine on which it was too short gets twice as long each time. It is long again until many answers in
 * a row have shown that half would do, and half of that: a slow machine has its quick moments. */
#ifndef BASE_PATIENCE_H
#define BASE_PATIENCE_H

#include <stdbool.h>
#include <stdint.h>

enum {
	PATIENCE_MS = 50, /* a process that has nothing else to do answers in under a millisecond */
	PATIENCE_LATER = 5, /* twice as long each time that it was over, so often at the most */
	PATIENCE_QUICK =
		16, /* answers in a row, each in a quarter of the time: then half as long */
};

/* All zeros at its start. */
struct patience {
	uint64_t by_boot_ms;	   /* the answer is due by then; 0: none is awaited */
	uint64_t quick_by_boot_ms; /* an answer by then is a quick one */
	unsigned n_over;	   /* how often the time was doubled */
	unsigned n_quick;	   /* quick answers in a row */
};

/* An answer is awaited from now on, for least_ms or longer. */
void patience_begin(struct patience *p, uint64_t now_boot_ms, uint64_t least_ms);

/* It came; none may have been awaited. */
void patience_end(struct patience *p, uint64_t now_boot_ms);

/* Is the time over? True once: then nothing is awaited any more, and the next has longer. */
bool patience_over(struct patience *p, uint64_t now_boot_ms);

#endif
