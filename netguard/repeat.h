/* repeat.h - the same claim is told a few times a second at most, and never later than a heartbeat.
 *
 * Pure: values in, values out; one struct repeat per uplink, all zeros at its start. A switch may
 * send the same frame a thousand times a second, and decide shall not wake for each; yet the last
 * of them may be the first after a change of the link that we do not know of. So a repeat is held
 * back, not dropped: whoever sends a heartbeat tells the held ones first, and so a heartbeat never
 * attests a silence that was none. Nor is it held for long: told only after the cable is in another
 * socket, it would be a sign of that network, which never said so. Announcements and DHCP are never
 * held: they are proof of life and answers to questions. */
#ifndef NETGUARD_REPEAT_H
#define NETGUARD_REPEAT_H

#include <stdbool.h>
#include <stdint.h>

#include "base/msg.h"

enum {
	REPEAT_CLAIMS = 16,   /* different ones in one beat; more than that are told each time */
	REPEAT_HOLD_MS = 200, /* no hand moves a cable, and no station its network, that fast */
};

struct repeat_slot {
	struct msg_claim claim; /* the latest; kind 0: free */
	bool held;
};

struct repeat {
	uint64_t due_boot_ms; /* 0: nothing is held */
	struct repeat_slot slot[REPEAT_CLAIMS];
};

/* True: it repeats what was told since the last heartbeat, and is held back. All tags of VLANs
 * count as one: a trunk carries many. */
bool repeat_hold(struct repeat *r, const struct msg_claim *claim);

/* This claim was delivered, so its like may be held from now on. */
void repeat_told(struct repeat *r, const struct msg_claim *claim);

/* When what is held must be told, heartbeat or not; UINT64_MAX: nothing is. */
uint64_t repeat_wake(const struct repeat *r);

/* A heartbeat is due, or what repeat_wake() says: forget what was told and not repeated. Then call repeat_next() to its end. */
void repeat_beat(struct repeat *r);

/* The next claim that was held, with its own time, to tell before a heartbeat; false when none is
 * left. Once delivered, repeat_told() has it. */
bool repeat_next(struct repeat *r, struct msg_claim *ret);

#endif
