/* cli_changes.h - what differs between two statuses of the daemon, one change at a time.
 *
 * Pure: values in, values out. What only counts time (how long, how long still) is no change. */
#ifndef ROLES_CLI_CHANGES_H
#define ROLES_CLI_CHANGES_H

#include "base/msg_ctl.h"

enum cli_change_kind {
	CLI_CHANGE_POLICY = 1, /* another serial, or none */
	CLI_CHANGE_FIREWALL,   /* it answers, or it does not */
	CLI_CHANGE_ALARM,      /* somebody changed what is ours */
	CLI_CHANGE_UPLINK,     /* zone, evidence or cable */
	CLI_CHANGE_PORT,       /* open or closed, or for another reason */
	CLI_CHANGE_DISK,       /* unlocked, locked, attached */
};

struct cli_change {
	enum cli_change_kind kind;
	/* of its kind in the status before and in the one after; NULL: not there. Borrowed from
	 * the statuses. */
	const struct msg_uplink_status *uplink_before, *uplink;
	const struct msg_port_status *port_before, *port;
	const struct msg_disk_status *disk_before, *disk;
};

enum { CLI_CHANGES_MAX = 3 + 2 * (MSG_UPLINKS + MSG_PORTS + MSG_DISKS) };

/* The changes from `before` to `after`, uplinks before the ports that they close; how many.
 * before NULL: all that is there is new. Both have passed cli_connect_reply_ok(). */
unsigned cli_changes_find(const struct msg_ctl_reply *before, const struct msg_ctl_reply *after,
			  struct cli_change ret[CLI_CHANGES_MAX]);

#endif
