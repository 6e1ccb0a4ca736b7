/* cli_merge_room.h - the space that a merge needs, before it begins: a full disk then leaves all as it is.
 *
 * Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_MERGE_ROOM_H
#define ROLES_CLI_MERGE_ROOM_H

#include "roles/cli_chain.h"

struct cli_merge_room {
	int fd; /* of the layer below; -1: nothing was taken */
};

/* Where the leaf's own data will lie in the layer below, and what the merge writes besides: the first
 * behind the end of that file, whose length and bytes stay. Not while that one is in use. */
int cli_merge_room_take(const struct cli_chain *chain, const char *what,
			struct cli_merge_room *ret);

/* The layer below has got what it needs, or nothing begins: what lies behind its end is given back. Whatever
 * became of the former, and before anything else is written. */
void cli_merge_room_give(struct cli_merge_room *room);

#endif
