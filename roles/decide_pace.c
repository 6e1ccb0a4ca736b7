/* How often sniff beats: each second while anything is being judged, else as seldom as zones permit. */
#include "roles/decide.h"

#include "base/ipc.h"

/* A slow beat that comes at the last moment, and one that the machine delayed by a second. */
static_assert(BEAT_SLOW_MS + BEAT_QUICK_MS < CLASSIFY_SETTLED_GAP_MS, "a slow beat is in time");

static enum beat_pace wanted(const struct decider *d)
{
	for (unsigned i = 0; i < d->n_uplinks; i++)
		if (!classify_settled(&d->uplink[i].state))
			return BEAT_QUICK;
	return BEAT_SLOW;
}

void decide_pace(struct decider *d)
{
	struct msg_beat beat = { .pace = wanted(d) };
	int fd = d->role.peer_fd[ROLE_SNIFF];

	if (fd < 0 || beat.pace == d->pace)
		return;
	/* one that is stopped, or just ended, beats at no pace at all: the next round tries again */
	if (ipc_send(fd, &beat, sizeof(beat), -1) == 0)
		d->pace = beat.pace;
}
