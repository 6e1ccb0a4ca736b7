/* supervisor_watch.h - does decide answer? Asked whenever something may have to close, and then alone.
 *
 * decide hears of links from the kernel and of signs from sniff. The supervisor hears that there is
 * something to hear, from both, and not what; it then asks decide whether it is through with that. One
 * question at a time: news meanwhile are a question more behind it. A decide that has just been started
 * reads its documents first, and has granted nothing: its first answer has no time.
 *
 * Pure: values in, values out. Times are CLOCK_BOOTTIME in milliseconds. */
#ifndef ROLES_SUPERVISOR_WATCH_H
#define ROLES_SUPERVISOR_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/patience.h"

enum {
	SUPERVISOR_WATCH_LATE_MS = 1000, /* woken so much later: we were stopped, or asleep, too */
	SUPERVISOR_WATCH_MOST_MS =
		1600,			/* the longest that a machine may take which lets it wait */
	SUPERVISOR_WATCH_AGAIN_MS = 10, /* until then it is looked at so often */
};

/* All zeros: there is no decide. */
struct supervisor_watch {
	bool asked; /* and not answered yet */
	bool again; /* there was news after the question */
	bool met;   /* this decide has answered before */
	struct patience patience;
	uint64_t most_by_boot_ms; /* of the question that is open */
};

/* decide was started, and is being asked for the first time. */
void supervisor_watch_started(struct supervisor_watch *w);

/* It ended: nothing is awaited. */
void supervisor_watch_ended(struct supervisor_watch *w);

/* Something happened that decide hears of, too. True: ask it now. */
bool supervisor_watch_news(struct supervisor_watch *w, uint64_t now_boot_ms);

/* Somebody else says that it does not answer, whom this watch may be of as well: ask it now, and look at
 * once whether it hangs. False: it is asked already. */
bool supervisor_watch_doubt(struct supervisor_watch *w, uint64_t now_boot_ms);

/* decide answered; false: it was not asked. *ret_ask: ask again, now. */
bool supervisor_watch_answered(struct supervisor_watch *w, uint64_t now_boot_ms, bool *ret_ask);

/* Is the time over in which decide answers? */
bool supervisor_watch_due(const struct supervisor_watch *w, uint64_t now_boot_ms);

/* When due: does it hang? waits: for a CPU, or for the disk (whatever it does, it is not stopped, and not
 * asleep); it gets longer, within bounds. True once: then whoever closes without it is called. */
bool supervisor_watch_over(struct supervisor_watch *w, uint64_t now_boot_ms, bool waits);

#endif
