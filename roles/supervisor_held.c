/* Disks that outlive who knew of them: what a decide says for its successor, and blocks that linger. */
#include "roles/supervisor.h"

#include <signal.h>
#include <string.h>

#include "base/log.h"
#include "base/loop.h"
#include "base/util.h"

/* It loses nothing that was flushed; its leaf counts as not closed. */
void supervisor_disk_tick(struct supervisor *s)
{
	uint64_t now = loop_now_boot_ms();

	for (unsigned i = 0; i < s->n_children; i++) {
		struct child *c = &s->child[i];

		if (c->pid <= 0 || c->kill_boot_ms == 0 || now < c->kill_boot_ms)
			continue;
		log_warn(0,
			 "disk '%s' was locked and a client stays connected: its block is killed",
			 c->name);
		c->kill_boot_ms = 0;
		(void)kill(c->pid, SIGKILL);
	}
}

bool supervisor_disk_hold(struct supervisor *s, const struct msg_disk *held)
{
	struct disk *disk;

	if (!msg_text_ok(held->name, sizeof(held->name)) || !supervisor_disk_name_ok(held->name) ||
	    held->disk_bytes == 0)
		return false;
	disk = supervisor_disk_find(s, held->name);
	if (disk)
		disk->held = *held;
	return true; /* none: its block just ended, and decide is told */
}

void supervisor_disk_give_held(const struct supervisor *s, struct child *decide)
{
	for (size_t i = 0; i < ARRAY_LEN(s->disk); i++) {
		struct msg_sup msg = { .verb = SUP_DISK_HELD, .disk = s->disk[i].held };

		if (msg.disk.disk_bytes != 0)
			supervisor_send(decide, &msg, -1);
	}
}

void supervisor_disk_end_unfinished(struct supervisor *s)
{
	for (size_t i = 0; i < ARRAY_LEN(s->disk); i++) {
		struct disk *disk = &s->disk[i];
		char name[MSG_NAME_BYTES];

		if (disk->name[0] == '\0' || disk->held.disk_bytes != 0)
			continue;
		log_warn(0, "disk '%s': decide ended before its unlock did: it is locked",
			 disk->name);
		memcpy(name, disk->name, sizeof(name)); /* the slot is emptied */
		supervisor_disk_stop(s, disk->id, name);
	}
}
