/* repair.h - put a VHD's footers, header checksum and end right, and touch no payload.
 *
 * First a plan, which writes nothing: what would be written where, or cut off. A plan exists only
 * when the image would be sound afterwards. Of two footers that are both sound and say different
 * things nobody but the owner can tell the right one, so he must. */
#ifndef VHDCRYPT_REPAIR_H
#define VHDCRYPT_REPAIR_H

#include <stdbool.h>
#include <stdint.h>

#include "vhdcrypt/store.h"
#include "vhdcrypt/vhd_format.h"

enum repair_from { REPAIR_FROM_EITHER, REPAIR_FROM_START, REPAIR_FROM_END };

enum { REPAIR_STEPS_MAX = 4 };

/* One sector to write; with cut, the file to end at offset_byte instead. */
struct repair_step {
	const char *what; /* "write the footer at the end anew" */
	uint64_t offset_byte;
	bool cut;
	uint8_t data[VHD_FORMAT_SECTOR_BYTES];
};

struct repair {
	struct repair_step step[REPAIR_STEPS_MAX];
	unsigned n_steps; /* 0: nothing is wrong that this can mend */
};

/* store: readable. -EBADMSG: it cannot be repaired, *ret_fault says why; -EEXIST: the two footers
 * are sound and differ (*ret_fault: in what): say from which. Others are the kernel's. */
int repair_plan(const struct store *store, enum repair_from from, struct repair *ret_repair,
		struct vhd_fault *ret_fault);

/* Do it, each step stable before the next begins. */
int repair_do(const struct store *store, const struct repair *repair);

#endif
