/* cli_disk_mac.h - LAYER.mac, as commands make and look at it (vhdcrypt/leaf_guard.h).
 *
 * Functions return 0, or an exit status after saying why; `what` begins the message. */
#ifndef ROLES_CLI_DISK_MAC_H
#define ROLES_CLI_DISK_MAC_H

#include "base/msg.h"
#include "base/secret.h"
#include "vhdcrypt/image.h"
#include "vhdcrypt/leaf_mac.h"

/* What a leaf with such a cipher, upon these layers (n of them, its parent first), is used by. */
void cli_disk_mac_outside(uint32_t sector_bytes, const struct msg_layer *parent, unsigned n,
			  struct leaf_mac_outside *ret);

/* For the image as it is in vhd_fd, into the empty mac_fd (all lent). mode: IMAGE_CONVERT while it
 * is marked as half converted, else IMAGE_READ_ONLY. */
int cli_disk_mac_make(int vhd_fd, enum image_mode mode, int mac_fd, const struct secret *volume_key,
		      const struct leaf_mac_outside *outside, const char *what);

/* Is the image in vhd_fd, every bitmap of it, what mac_fd says? Nothing is written, in no mode. The
 * second: by the MAC's own key. */
int cli_disk_mac_check(int vhd_fd, enum image_mode mode, int mac_fd,
		       const struct secret *volume_key, const struct leaf_mac_outside *outside,
		       const char *what);
int cli_disk_mac_check_by(int vhd_fd, int mac_fd, const struct secret *mac_key,
			  const struct leaf_mac_outside *outside, const char *what);

#endif
