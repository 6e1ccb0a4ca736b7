/* What is unlocked, for the decide after us: the supervisor keeps it. */
#include "roles/decide.h"

#include "base/log.h"
#include "base/util.h"
#include "policy/text.h"

void decide_held_tell(const struct msg_disk *disk)
{
	struct msg_sup msg = { .verb = SUP_DISK_HELD, .disk = *disk };

	role_send_sup(&msg, -1);
}

void decide_held_begin(struct decider *d)
{
	for (unsigned i = 0; i < MSG_DISKS; i++)
		d->disk[i].nbd_index = UINT32_MAX;
	for (unsigned i = 0; i < d->role.n_held; i++) {
		const struct msg_disk *held = &d->role.held[i];

		if (!msg_text_ok(held->name, sizeof(held->name)) || !text_name_ok(held->name) ||
		    !msg_text_ok(held->leaf, sizeof(held->leaf)))
			die("the supervisor holds a disk without a name");
		d->disk[i] = *held;
		log_info("disk '%s' was unlocked by our predecessor", held->name);
	}
}
