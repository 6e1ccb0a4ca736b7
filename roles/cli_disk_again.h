/* cli_disk_again.h - what a killed check-out has left, so that the same command can be given again.
 *
 * Only what was made for a conversion that had not begun, or a copy that was not finished, and by nobody who
 * still runs. Functions return 0, or an exit status after saying why. */
#ifndef ROLES_CLI_DISK_AGAIN_H
#define ROLES_CLI_DISK_AGAIN_H

#include <stdint.h>

#include "roles/cli_disk_make.h"

/* The first file in a folder where a VHD is to be encrypted in place: where it comes from, and, by
 * its lock, that somebody is at work. It is there until the disk is converted. */
#define CLI_DISK_FROM "leaf.from" /* CLI_DISK_LAYER "." CLI_CONVERT_FROM */

/* Make it in DIR, which is new; *ret_fd holds its lock. */
int cli_disk_again_mark(const struct cli_disk_order *order, const char *dir, int *ret_fd);

/* OUT/disks/NAME holds an earlier try of the same order: move the source back, take the rest away. */
int cli_disk_again_in_place(const struct cli_disk_order *order);

/* In the folder of a copy until its lease is in force, of which it is the file: so long nobody can have
 * opened the disk, and all that it holds is in its source. */
#define CLI_DISK_NEW_LEASE "new.yaml"

/* The same of a copy: OUT/disks/NAME.partial, and OUT/disks/NAME while it has such a lease; source: the
 * UUID of what was copied must be this one. */
int cli_disk_again_copy(const struct cli_disk_order *order, const uint8_t source[16]);

/* Take away what a copy has made in dir, and the half of its lease that has its place. */
void cli_disk_again_drop_copy(const struct cli_disk_order *order, const char *dir);

/* Somebody makes what is in this folder until *ret_fd is closed. */
int cli_disk_again_lock(const struct cli_disk_order *order, const char *dir, int *ret_fd);

/* order->recovery_out is there, and is the key of this header, which was never used: it goes. */
void cli_disk_again_recovery(const struct cli_disk_order *order, const char *dir,
			     const char *header);

#endif
